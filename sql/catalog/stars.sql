-- The published stars: one row a Gaia source, with what the model predicts from its spectrum and colours.
-- The tags behind each column are its only description (--/D), unit (--/U), UCD (--/C) and meaning of NULL (--/N).
with

stars as (

    select * from warehouse.marts.stars

),

predictions as (

    select * from predictions

),

quality as (

    -- the bits of the flags that a star carries, added up
    select
        source_id,
        cast(list_inner_product(
            cast(list_value(*columns(* exclude (source_id))) as float[]),
            (select list(bit order by place)::float[] from flag_bits)
        ) as integer) as quality_flags
    from raised_flags

)

select
    stars.source_id, --/D {gaia_release} source identifier --/C meta.id;meta.main --/N never NULL
    stars.earlier_source_id as dr3_source_id, --/R crosswalk --/D {earlier_release} identifier of the same star, by the archive's crosswalk --/C meta.id.cross --/N no source of {earlier_release} near it
    stars.ra, --/D Right ascension, ICRS, epoch {gaia_epoch_year} --/U deg --/C pos.eq.ra;meta.main --/N never NULL
    stars.dec, --/D Declination, ICRS, epoch {gaia_epoch_year} --/U deg --/C pos.eq.dec;meta.main --/N never NULL
    source_healpix(stars.source_id, 8) as healpix_8, --/D HEALPix pixel of order 8, nested, from the source identifier --/C pos.healpix --/N never NULL
    stars.phot_g_mean_mag, --/D Gaia G magnitude --/U mag --/C phot.mag;em.opt --/N not measured
    predictions.teff, --/D Effective temperature --/U K --/C phys.temperature.effective;meta.modelled --/N never NULL
    predictions.teff_16, --/D 16th percentile of teff --/U K --/C stat.percentile;phys.temperature.effective --/N never NULL
    predictions.teff_84, --/D 84th percentile of teff --/U K --/C stat.percentile;phys.temperature.effective --/N never NULL
    predictions.teff_error, --/D 1 sigma of teff: half of its central 68 % --/U K --/C stat.error;phys.temperature.effective --/N never NULL
    predictions.logg, --/D Surface gravity, log10 of cm/s2 --/U dex --/C phys.gravity;meta.modelled --/N never NULL
    predictions.logg_16, --/D 16th percentile of logg --/U dex --/C stat.percentile;phys.gravity --/N never NULL
    predictions.logg_84, --/D 84th percentile of logg --/U dex --/C stat.percentile;phys.gravity --/N never NULL
    predictions.logg_error, --/D 1 sigma of logg: half of its central 68 % --/U dex --/C stat.error;phys.gravity --/N never NULL
    predictions.m_h, --/D Metallicity [M/H] --/U dex --/C phys.abund.Z;meta.modelled --/N never NULL
    predictions.m_h_16, --/D 16th percentile of m_h --/U dex --/C stat.percentile;phys.abund.Z --/N never NULL
    predictions.m_h_84, --/D 84th percentile of m_h --/U dex --/C stat.percentile;phys.abund.Z --/N never NULL
    predictions.m_h_error, --/D 1 sigma of m_h: half of its central 68 % --/U dex --/C stat.error;phys.abund.Z --/N never NULL
    exp(predictions.logebv) as ebv, --/D Reddening E(B-V) from spectrum and colours --/U mag --/C phot.color.excess;meta.modelled --/N the model has learned no reddening
    exp(predictions.logebv_16) as ebv_16, --/D 16th percentile of ebv --/U mag --/C stat.percentile;phot.color.excess --/N the model has learned no reddening
    exp(predictions.logebv_84) as ebv_84, --/D 84th percentile of ebv --/U mag --/C stat.percentile;phot.color.excess --/N the model has learned no reddening
    case
        when predictions.g_fakemag > 0
            then distance_pc_of_fakemag(predictions.g_fakemag, stars.phot_g_mean_mag)
    end as distance_pc, --/D Distance from the predicted luminosity, without the parallax --/U pc --/C pos.distance;meta.modelled --/N no G magnitude, or the predicted luminosity is not positive
    case
        when predictions.g_fakemag > 0
            then distance_pc_of_fakemag(predictions.g_fakemag_84, stars.phot_g_mean_mag)
    end as distance_pc_16, --/D 16th percentile of distance_pc --/U pc --/C stat.percentile;pos.distance --/N as distance_pc
    case
        when predictions.g_fakemag > 0 and predictions.g_fakemag_16 > 0
            then distance_pc_of_fakemag(predictions.g_fakemag_16, stars.phot_g_mean_mag)
    end as distance_pc_84, --/D 84th percentile of distance_pc --/U pc --/C stat.percentile;pos.distance --/N the luminosity is within 1 sigma of zero: no upper limit
    predictions.num_tokens_observed, --/D Tokens of the star that the model was shown --/C meta.number --/N never NULL
    stars.xp_num_relevant_bases, --/D Relevant BP and RP coefficients, together --/C meta.number --/N no XP spectrum
    quality.quality_flags, --/D Bit mask, see the table flags; 0 is best --/C meta.code.qual --/N never NULL
    quality.quality_flags <> 0 as flag_warn, --/D Any flag is raised --/C meta.code.qual --/N never NULL
    quality.quality_flags & (select bit_or(bit) from flag_bits where is_bad) <> 0 as flag_bad, --/D A flag is raised that makes the parameters doubtful --/C meta.code.qual --/N never NULL
    predictions.in_training_set, --/D The model was trained on this star --/C meta.code --/N the model was brought from elsewhere, and on which stars it was trained is not known
    stars.tmass_designation, --/D 2MASS designation of the best match --/C meta.id.cross --/N no match within the radius
    stars.tmass_separation_arcsec, --/D Separation of the 2MASS match at its epoch --/U arcsec --/C pos.angDistance --/N no match within the radius
    stars.apogee_id, --/D {apogee_release} identifier --/C meta.id.cross --/N not observed by APOGEE
    $model_version as model_version --/D Version of the model in the registry --/C meta.version;meta.software --/N never NULL
from stars
inner join predictions using (source_id)
inner join quality using (source_id)
order by stars.source_id

-- How many rows each step and each cut leaves: nothing is dropped uncounted.
with

counts as (

    select 1 as step, 'Gaia sources' as cut, count(*) as rows_left from staging.gaia_source
    union all
    select 2, 'with an XP spectrum', count(*) from staging.xp_spectrum
    union all
    select 3, 'with a 2MASS counterpart', count(*) from marts.stars where tmass_designation is not null
    union all
    select 4, '2MASS sources without a Gaia counterpart', count(*) from staging.twomass as t
    where not exists (from marts.stars as s where s.tmass_designation = t.designation)
    union all
    select 5, 'APOGEE rows', count(*) from staging.apogee
    union all
    select 6, 'APOGEE stars', count(distinct apogee_id) from staging.apogee
    union all
    select 7, 'APOGEE stars without a Gaia counterpart', count(distinct apogee_id) from staging.apogee as a
    where not exists (from marts.stars as s where s.apogee_id = a.apogee_id)
    union all
    select 8, format('cut: all {} coefficients', num_bp() + num_rp()), count(*) from marts.stars where has_all_xp
    union all
    select 9, 'cut: coefficients in range', count(*) from marts.stars where has_all_xp and xp_in_range
    union all
    select 10, cut_in_words(format('cut: {} < BP-RP < {}', min_bp_rp_mag(), max_bp_rp_mag()), 'bp_rp'), count(*) from marts.stars
    where has_all_xp and xp_in_range and passes(colour_in_range)
    union all
    select 11, cut_in_words(format('cut: {} < G < {}', min_g_mag(), max_g_mag()), 'phot_g_mean_mag'), count(*) from marts.stars
    where has_all_xp and xp_in_range and passes(colour_in_range) and passes(magnitude_in_range)
    union all
    select 12, cut_in_words(format('cut: RUWE < {}', max_ruwe()), 'ruwe'), count(*) from marts.stars
    where has_all_xp and xp_in_range and passes(colour_in_range) and passes(magnitude_in_range) and passes(ruwe_is_good)
    union all
    select 13, cut_in_words(format('cut: excess factor < {}', max_excess_factor()), 'phot_bp_rp_excess_factor'), count(*) from marts.stars
    where
        has_all_xp and xp_in_range and passes(colour_in_range) and passes(magnitude_in_range) and passes(ruwe_is_good)
        and passes(excess_factor_is_good)
    union all
    select 14, 'cut: no bright neighbour (Gaia-good)', count(*) from marts.stars where is_gaia_good
    union all
    select 15, 'clean APOGEE stars without XP', count(*) from marts.stars where is_apogee_only
    union all
    select 16, 'training set with good labels', count(*) from marts.stars where in_training_set and teff is not null
    union all
    -- labels are known by the identifiers of an earlier release: to how many sources of this one each leads
    select
        17 + least(num_neighbours, 2),
        ['APOGEE stars that no source of this release is', 'APOGEE stars that one source is',
         'APOGEE stars with several sources near, of which one was chosen'][1 + least(num_neighbours, 2)],
        count(*)
    from (
        select coalesce(any_value(later.num_neighbours), 0) as num_neighbours
        from staging.apogee as labelled
        left join crossmatch.later_sources as later on labelled.gaia_source_id = later.earlier_source_id
        where has_crosswalk() and labelled.gaia_source_id is not null
        group by labelled.gaia_source_id
    )
    group by least(num_neighbours, 2)

)

select * from counts order by step

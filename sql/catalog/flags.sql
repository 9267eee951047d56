-- The bits of stars.quality_flags, with the number of stars that carry each.
with

bits as (

    select *
    from (
        values
        (1, 'no_2mass', 'No 2MASS counterpart within the radius', false),
        (2, 'no_xp', 'No XP spectrum: parameters rest on colours', false),
        (4, 'few_bases', 'Fewer than 10 relevant XP coefficients: a noisy spectrum', false),
        (8, 'poor_astrometry', 'RUWE of 1.4 or more, or none: often a binary', true),
        (16, 'excess_factor', 'BP-RP excess factor of 2 or more: blended light', false),
        (32, 'crowded', 'More than one 2MASS source within the radius', false),
        (64, 'colour_outside', 'BP-RP outside the range of the training set (0 to 4 mag)', true),
        (128, 'magnitude_outside', 'G outside the range of the training set (6 to 17.5 mag)', true),
        (256, 'uncertain', 'Predicted error above 300 K, 0.5 dex or 0.4 dex', true),
        (512, 'nothing_known', 'The model was shown nothing: the answer is the prior', true)
    ) as listed (bit, name, description, is_bad)

)

select
    bits.bit, --/D Value of the bit in stars.quality_flags --/C meta.code --/N never NULL
    bits.name, --/D Short name --/C meta.id --/N never NULL
    bits.description, --/D What it means --/C meta.note --/N never NULL
    bits.is_bad, --/D Whether it raises flag_bad --/C meta.code --/N never NULL
    count(stars.source_id) as num_stars --/D Stars that carry it --/C meta.number --/N never NULL
from bits
left join stars on stars.quality_flags & bits.bit <> 0
group by all
order by bits.bit

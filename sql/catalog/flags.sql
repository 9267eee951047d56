-- The bits of stars.quality_flags, with the number of stars that carry each.
-- Given: flag_bits, as the tags of raised_flags.sql say; stars, the published table.
select
    flag_bits.bit, --/D Value of the bit in stars.quality_flags --/C meta.code --/N never NULL
    flag_bits.name, --/D Short name --/C meta.id --/N never NULL
    flag_bits.description, --/D What it means --/C meta.note --/N never NULL
    flag_bits.is_bad, --/D Whether it raises flag_bad --/C meta.code --/N never NULL
    count(stars.source_id) as num_stars --/D Stars that carry it --/C meta.number --/N never NULL
from flag_bits
left join stars on stars.quality_flags & flag_bits.bit <> 0
group by all
order by flag_bits.bit

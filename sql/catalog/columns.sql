-- The data dictionary: every column of every table of the catalogue.
select
    dictionary.table_name, --/D Table --/C meta.dataset --/N never NULL
    dictionary.column_name, --/D Column --/C meta.id;meta.main --/N never NULL
    dictionary.data_type, --/D DuckDB type --/C meta.code --/N never NULL
    dictionary.unit, --/D Unit, in the VOUnits form --/C meta.unit --/N no unit
    dictionary.ucd, --/D Unified content descriptor (UCD1+) --/C meta.ucd --/N never NULL
    dictionary.description, --/D What it is --/C meta.note --/N never NULL
    dictionary.null_meaning --/D What NULL means --/C meta.note --/N never NULL
from dictionary
order by dictionary.place

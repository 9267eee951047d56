-- Everything that the release was made from.
select
    origin.name, --/D What --/C meta.id;meta.main --/N never NULL
    origin.value --/D Its value --/C meta.note --/N never NULL
from origin
order by origin.name

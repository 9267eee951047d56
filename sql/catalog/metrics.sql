-- How good the model is on held-out stars, task by task.
select
    scores.task, --/D What was asked --/C meta.id --/N never NULL
    scores.model, --/D The model, or the baseline it is compared with --/C meta.id --/N never NULL
    scores.token, --/D The predicted token --/C meta.id --/N never NULL
    scores.against, --/D Compared with the measured label or with the truth of the simulated sky --/C meta.code --/N never NULL
    scores.num_stars, --/D Held-out stars compared --/C meta.number --/N never NULL
    scores.scatter, --/D 1.4826 MAD of truth minus prediction, in the unit of the token --/C stat.stdev --/N no star to compare
    scores.bias, --/D Median of truth minus prediction, in the unit of the token --/C stat.fit.residual --/N no star to compare
    scores.coverage_68, --/D Share of truths inside the 68 % interval --/C stat.probability --/N the baseline gives no errors
    scores.coverage_95 --/D Share of truths inside the 95 % interval --/C stat.probability --/N the baseline gives no errors
from scores

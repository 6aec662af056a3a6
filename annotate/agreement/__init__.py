"""How far annotators agree: chance-corrected α and κ for topics, pairwise F1 and α for unitizing for spans.

Every figure is a function of sums over documents (label counts, disagreements, matches). That gives the point value and all
bootstrap replicates by one formula: a replicate weighs each document by how often it was drawn.

- Krippendorff's α, nominal, any number of annotators, missing answers allowed (Krippendorff 2011, *Computing Krippendorff's
  Alpha-Reliability*).
- Cohen's κ (Cohen 1960, *A Coefficient of Agreement for Nominal Scales*); with more than two annotators the mean over
  their pairs (Light 1971, *Measures of Response Agreement for Qualitative Data*).
- Fleiss' κ (Fleiss 1971, *Measuring Nominal Scale Agreement Among Many Raters*), where not all segments have the same number of
  answers each weighed by its own.
- Krippendorff's α for unitizing, by character: see `agreement.unitizing` for the formulas, and why not γ.
- Pairwise F1 of spans, the chance-free stand-in for κ where true negatives cannot be counted (Hripcsak & Rothschild 2005,
  *Agreement, the F-Measure, and Reliability in Information Retrieval*).
- Percentile intervals from resampling whole documents, since segments of one document are not independent (Efron 1979).

A figure that is not defined is `None` with a reason. It is never NaN, and never 1.0 because only one label occurs.
"""

from __future__ import annotations

from annotate.agreement.confusion import MISSED, Confused, Costly, Difference, paired_spans, task_url
from annotate.agreement.measures import DIMENSIONS, agree, overlap_matches, segment_agreement
from annotate.agreement.page import page
from annotate.agreement.panels import (
    Group,
    Panel,
    Panels,
    answer,
    gather,
    infer_groups,
    latest,
    natural,
    newest_schema,
    pseudonyms,
    rehome,
)
from annotate.agreement.scores import UNDEFINED, Agreement, Report, Score, SpanScores, TopicScores

__all__ = [
    "DIMENSIONS",
    "MISSED",
    "UNDEFINED",
    "Agreement",
    "Confused",
    "Costly",
    "Difference",
    "Group",
    "Panel",
    "Panels",
    "Report",
    "Score",
    "SpanScores",
    "TopicScores",
    "agree",
    "answer",
    "gather",
    "infer_groups",
    "latest",
    "natural",
    "newest_schema",
    "overlap_matches",
    "page",
    "paired_spans",
    "pseudonyms",
    "rehome",
    "segment_agreement",
    "task_url",
]

"""The stages as a table, cheapest first: admission, fidelity, and the judgement of a judge that is named by its id.

Stage 4, human selection, measures nothing: `review.py`.
"""

from __future__ import annotations

from rapsr_core.curation import admission, fidelity
from rapsr_core.curation.columns import Stage
from rapsr_core.curation.duplicates import MAX_DISTANCE, cluster_numbers
from rapsr_core.curation.judgement import build_for
from rapsr_core.curation.selecting import Duplicates

ADMISSION = Stage(
    "admission",
    "Admission",
    "Real photographs of enough size, without frames, drawings, heavy JPEG compression or enlargement.",
    0.1,
    admission.COLUMNS,
    admission.RULES,
    admission.build,
)

FIDELITY = Stage(
    "fidelity",
    "Fidelity",
    "Sharp, free of noise and blocks, well exposed; no-reference metrics of the central 512 px.",
    0.6,
    fidelity.COLUMNS,
    fidelity.RULES,
    fidelity.build,
)


def pipeline(judge: str) -> tuple[Stage, ...]:
    """Stages 1 to 3. Raises JudgeError for an id that names no judge."""
    return ADMISSION, FIDELITY, build_for(judge)


DUPLICATES = Duplicates(cluster_numbers, MAX_DISTANCE, ("megapixels", "sharpness"), stage=FIDELITY.name)
"""Of near duplicates the largest is kept, of equally large ones the sharpest. Resolved after stage 2, so that no picture gives way to a copy that
is itself left out, and before the judge, which costs most."""

"""QDAISP (RAP-SR, arXiv 2412.07149): from a pool of images to a high-fidelity aesthetic dataset. Score once, select many.

pool -> `scoring` (a row for each image: every measurement of stages 1 to 3, parquet) -> `selecting` (rules -> kept, or stage and
reason) -> `review` (stage 4, people) -> `dataset` (HFAID layout). The paper's thresholds are not public; ours are in `stages.py`,
with the place each comes from.
"""

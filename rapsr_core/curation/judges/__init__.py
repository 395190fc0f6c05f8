"""Stage 3 of curation: judges of quality and aesthetics. `table.py` lists them; `judgement.py` one room up makes a stage of one.

RAP-SR (Fig. 2) asks a "multi-modality model" for both; which one, and with what threshold, is not public. `embedded` is no such model,
has a column of its own (`appeal`) and is the default only because it needs no download.
"""

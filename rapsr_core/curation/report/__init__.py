"""What a curation did, as one self-contained page (report.html) and as Markdown for the dataset card."""

from rapsr_core.curation.report.facts import Report
from rapsr_core.curation.report.markdown import funnel_markdown
from rapsr_core.curation.report.page import html, write_report

__all__ = ["Report", "funnel_markdown", "html", "write_report"]

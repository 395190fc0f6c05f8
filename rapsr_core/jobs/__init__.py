"""Long work as a process that outlives the studio: start, watch, stop, resume. The studio and a script use the same."""

from rapsr_core.jobs.job import Command, Job, JobError, State
from rapsr_core.jobs.progress import Progress, progress_of, tail
from rapsr_core.jobs.runs import Runs

__all__ = ["Command", "Job", "JobError", "Progress", "Runs", "State", "progress_of", "tail"]

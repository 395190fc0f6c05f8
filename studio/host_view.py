"""What the page says of a host, as HTML: from the table of hosts."""

from __future__ import annotations

from html import escape

from rapsr_core.doctor import missing
from rapsr_core.hosts.registry import host_info
from rapsr_core.priors.catalog import PRIORS


def render(name: str) -> str:
    """Facts of a host, and what keeps it from running here with how to get it. Raises RecipeError for no host."""
    row, lacking = host_info(name), missing(name)
    facts = {
        "Prior": f"{PRIORS[row.prior].label} ({PRIORS[row.prior].licence})",
        "Scheduler": row.scheduler,
        "Start": row.start,
        "Refinement": row.refinement,
        "Checked against": row.parity,
        "Licences": f"code {row.code_licence}, weights {row.weights_licence}",
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    problem = f'<p class="problem" role="alert">It cannot run here yet. {escape(lacking)}</p>' if lacking else ""
    return f'{problem}<details class="host-facts"><summary>About this host</summary><dl>{rows}</dl></details>'

"""What the page says of a host, as HTML: from the table of hosts."""

from __future__ import annotations

from html import escape

from rapsr_core.hosts.info import HostInfo
from rapsr_core.priors import PRIORS


def render(row: HostInfo, lacking: str) -> str:
    """Facts of a host. `lacking`: what keeps it from running here and how to get it; empty when nothing does."""
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

"""The parts of scripts/report: figures of a trace, and sections of the page that shows them."""

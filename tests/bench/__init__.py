"""``make bench``: what requests cost, against ceilings and other servers, measured in one run as ratios of CPU time."""

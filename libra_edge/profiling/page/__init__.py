"""`profile.html`: a profile as one page that needs nothing else, in the style of a run's report."""

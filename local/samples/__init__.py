"""Recorded data that comes with Offpeak, each file with its source and licence in its first line.

prices_de_lu.csv: six market days of quarter-hours of the zone DE-LU, read by local.recorded. On the Saturday and the
Sunday among them most prices are negative.
"""

"""The same rows by Ray: on all cores of a machine or a cluster, from and to object stores too.

stores      addresses such as s3://scans/monday -> file systems
listing     SOURCE on the command line -> pieces, where addresses and Parquet are allowed
tables      pictures in a column of a Parquet file
reading     a task -> each picture's bytes or pixels, wherever it is
folder      the folder of the results: a file for each task, whole or not there
scoring     an actor: a task -> its file
cluster     Ray itself: started quietly on this machine, or joined
run         tasks -> actors -> what came of each

Ray says what is done where, and what is done again when a worker or a node has ended. It is
imported by `cluster` and `run` alone, so that nothing else of Numeral needs it.
"""

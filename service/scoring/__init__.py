"""Folders, archives and arrays of pictures to rows of a table, however many they are.

pieces      what is to be read, listed once
sources     SOURCE on the command line -> pieces -> tasks of many pictures
walking     the files below a folder, or that fit a pattern, in flat memory
arrays      pictures in a .npy file
archives    pictures in a .zip file
contents    a task -> each picture's bytes or pixels
rows        what is told of a picture: the columns of all formats
digits      single digits: how a worker reads them
fields      fields of digits: how a worker reads them
formats     rows -> JSON lines, CSV, Parquet
scorer      a task -> encoded rows; what a worker, or an engine of another kind, calls
workers     tasks -> encoded rows in order, in processes
ray         the same on a cluster, with Ray
parts       encoded rows -> a file, kept part by part, so that an interrupted run goes on

Everything a step needs is handed to it: no step knows another's state.
"""

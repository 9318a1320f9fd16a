"""Read any number of pictures into a table: `numeral score`.

contents    the pictures in a file, an archive, an array or a table
tables      the rows of CSV, JSON lines and Parquet
sources     SOURCE arguments -> pieces -> tasks of many pictures
reading     a task -> rows, and how many pictures came to what
writers     rows -> CSV, JSON lines, Parquet
checkpoint  the list of a run and its finished rows, in a file beside the table
job         tasks -> rows in worker processes -> a table; interrupted runs resume
ray         the same on a Ray cluster
stores      object stores
"""

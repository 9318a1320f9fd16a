"""Read any number of pictures into a table: `numeral score`.

contents    the pictures in a file, an archive or an array
sources     SOURCE arguments -> pieces -> tasks of many pictures
reading     a task -> rows, and how many pictures came to what
writers     rows -> CSV, JSON lines, Parquet
job         tasks -> rows in worker processes -> a table; interrupted runs resume
ray         the same on a Ray cluster, with object stores
"""

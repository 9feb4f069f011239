"""Courses as people write them: reading, checking, building, importing (content format).

reading (one YAML file to nodes that know their place) -> folder (a course folder) -> schema (the
author's form to the canonical document) -> checking -> building; oatutor* and writing import. A
running server needs none of it: it reads compiled courses with engines/exercises/course.py.
"""

"""Courses from other systems and back to them (content format, section 9).

Ways in: `csv_in`, `gift_in`, `moodle_in` (with `calculated`), `qti_in`; each makes `questions`,
which `draft` collects to a course folder and a report of what was not imported. Ways out: `drawn`
fixes an item's numbers, `csv_out`, `moodle_out`, `qti_out` write it; `yaml_out` writes a course
back to what its author may go on editing. `markup` and `hypertext` translate texts, `source` opens
files, `trees` and `archive` what may be hostile in them: no entity, no address, no name outside is
followed. Every way in ends in `landing`, its report in the words of `tally`.
"""

-- For lists of the children of one run.
CREATE INDEX runs_children ON runs (parent, run) WHERE parent IS NOT NULL;
DROP INDEX runs_parent;

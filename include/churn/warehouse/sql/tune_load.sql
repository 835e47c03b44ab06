-- Two million ids are then sorted and joined in memory; compiling these queries costs more than it
-- saves.
SET LOCAL work_mem = '256MB';
SET LOCAL maintenance_work_mem = '256MB';
SET LOCAL jit = off;

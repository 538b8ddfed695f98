-- From here on nothing outside the attached file can be read, and nobody can undo that.
SET temp_directory = '';
SET enable_external_access = false;
SET lock_configuration = true

INSERT INTO tideline.staged_items BY NAME FROM chunk

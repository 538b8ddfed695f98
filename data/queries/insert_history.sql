INSERT INTO tideline.history BY NAME FROM chunk

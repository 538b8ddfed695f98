INSERT INTO tideline.plan BY NAME FROM chunk

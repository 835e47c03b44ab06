INSERT INTO simulations (seed, first_day, last_day, arguments, model_version)
VALUES ({seed}, {start}, {end}, {arguments}, {model_version})
ON CONFLICT (seed, first_day, last_day) DO UPDATE SET arguments = excluded.arguments

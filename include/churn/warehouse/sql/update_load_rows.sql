UPDATE loads SET rows = {rows}, careful = {careful}
WHERE load_id = {load_id};

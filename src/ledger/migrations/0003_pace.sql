-- A pause is over when `until` has passed; its row stays. Names: rate_limit, outage. `per_minute`: the calls that Dub allows, as it last said with an error.
ALTER TABLE pauses ADD COLUMN per_minute INTEGER;

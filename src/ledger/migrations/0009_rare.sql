-- Events of a status or reason are found without reading all events. The reasons that most events have are left out: an
-- index that holds them would cost a row written for each event, and they are found by reading the newest events.
CREATE INDEX events_rare ON events (reason) WHERE reason NOT IN ('new', 'recorded', 'no_click_id');

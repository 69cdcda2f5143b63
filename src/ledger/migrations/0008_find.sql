-- Events are found by customer id, e-mail address (lower case) and click id, all read from `lead`: what retention blanks
-- there can't be found any more. The hashes `customer` of 0006 and `person` of 0007 are not written any more.
ALTER TABLE events ADD COLUMN customer_id TEXT AS (iif(json_valid(lead), lead->>'customerExternalId', NULL)) VIRTUAL;
ALTER TABLE events ADD COLUMN email TEXT AS (iif(json_valid(lead), lower(lead->>'customerEmail'), NULL)) VIRTUAL;
ALTER TABLE events ADD COLUMN click_id TEXT AS (iif(json_valid(lead), nullif(lead->>'clickId', ''), NULL)) VIRTUAL;
DROP INDEX events_customer;
DROP INDEX events_person;
CREATE INDEX events_customer_id ON events (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX events_email ON events (email) WHERE email IS NOT NULL;
CREATE INDEX events_click_id ON events (click_id) WHERE click_id IS NOT NULL;

-- Access keys in CloudTrail, for `breakglass audit`. Put in ids, time and table.
WITH wanted AS (
  SELECT credential_id FROM (VALUES ('AKIAGEN1AAAAAAAAAAAA'), ('AKIAGEN2BBBBBBBBBBBB')) AS ids (credential_id)
),
asked AS (
  SELECT '2026-01-01T00:00:00Z' AS window_from, '2026-12-01T00:00:00Z' AS window_to
),
events AS (
  SELECT
    eventtime,
    eventname,
    errorcode,
    useridentity.accesskeyid AS own_key,
    useridentity.username AS actor,
    sourceipaddress,
    useragent,
    recipientaccountid,
    awsregion,
    json_extract_scalar(requestparameters, '$.accessKeyId') AS asked_key,
    coalesce(json_extract_scalar(requestparameters, '$.userName'), useridentity.username) AS asked_user,
    json_extract_scalar(requestparameters, '$.status') AS asked_status,
    json_extract_scalar(responseelements, '$.accessKey.accessKeyId') AS made_key
  FROM cloudtrail_logs
  CROSS JOIN asked
  WHERE eventtime BETWEEN window_from AND window_to
),
found AS (
  -- what was done with a key
  SELECT
    own_key AS credential_id,
    CASE
      WHEN errorcode IN ('InvalidClientTokenId', 'SignatureDoesNotMatch', 'UnrecognizedClientException', 'ExpiredToken') THEN 'use_failed'
      ELSE 'used'
    END AS event,
    eventtime, actor AS subject, actor, own_key, sourceipaddress, useragent, recipientaccountid, awsregion, eventname
  FROM events
  WHERE own_key IN (SELECT credential_id FROM wanted)
  UNION ALL
  -- what was done to a key
  SELECT
    asked_key,
    CASE
      WHEN errorcode IS NOT NULL THEN 'revoke_failed'
      WHEN eventname = 'DeleteAccessKey' THEN 'deleted'
      WHEN asked_status = 'Active' THEN 'reactivated'
      ELSE 'deactivated'
    END,
    eventtime, asked_user, actor, own_key, sourceipaddress, useragent, recipientaccountid, awsregion, eventname
  FROM events
  WHERE eventname IN ('DeleteAccessKey', 'UpdateAccessKey')
    AND asked_key IN (SELECT credential_id FROM wanted)
    AND (errorcode IS NULL OR coalesce(asked_status, '') <> 'Active')
  UNION ALL
  -- keys that were made: one of ours, or with one of ours
  SELECT
    made_key, 'created',
    eventtime, asked_user, actor, own_key, sourceipaddress, useragent, recipientaccountid, awsregion, eventname
  FROM events
  WHERE eventname = 'CreateAccessKey'
    AND errorcode IS NULL
    AND (made_key IN (SELECT credential_id FROM wanted) OR own_key IN (SELECT credential_id FROM wanted))
)
SELECT
  credential_id, event, eventtime AS at, subject, actor, own_key AS "with", sourceipaddress AS address, useragent AS agent,
  recipientaccountid AS account, awsregion AS region, eventname AS word, window_from, window_to
FROM found
CROSS JOIN asked
UNION ALL
SELECT credential_id, 'window', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, window_from, window_to
FROM wanted
CROSS JOIN asked
ORDER BY at

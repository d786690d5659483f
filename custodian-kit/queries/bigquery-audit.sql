-- Service account keys in Cloud Audit Logs, for `breakglass audit`. Put in ids, time and dataset.
-- Uses are in data access logs, which a project has to switch on; without them leave `used` findings to other evidence.
WITH asked AS (
  SELECT TIMESTAMP '2026-01-01 00:00:00+00' AS window_from, TIMESTAMP '2026-12-01 00:00:00+00' AS window_to
),
wanted AS (
  SELECT credential_id FROM UNNEST(['69049163b190437ab9279b28e8afa24bb5c5b076']) AS credential_id
),
events AS (
  SELECT
    timestamp,
    protopayload_auditlog.methodName AS method,
    protopayload_auditlog.authenticationInfo.principalEmail AS actor,
    REGEXP_EXTRACT(protopayload_auditlog.authenticationInfo.serviceAccountKeyName, r'/keys/([^/]+)$') AS own_key,
    COALESCE(
      REGEXP_EXTRACT(protopayload_auditlog.resourceName, r'/keys/([^/]+)$'),
      REGEXP_EXTRACT(JSON_VALUE(protopayload_auditlog.responseJson, '$.name'), r'/keys/([^/]+)$')
    ) AS changed_key,
    resource.labels.email_id AS subject,
    resource.labels.project_id AS project,
    protopayload_auditlog.requestMetadata.callerIp AS address,
    protopayload_auditlog.requestMetadata.callerSuppliedUserAgent AS agent,
    COALESCE(protopayload_auditlog.status.code, 0) AS code
  FROM `PROJECT.DATASET.cloudaudit_googleapis_com_*`
  CROSS JOIN asked
  WHERE timestamp BETWEEN window_from AND window_to
),
found AS (
  SELECT own_key AS credential_id, 'used' AS event, timestamp, actor AS subject, actor, own_key, address, agent, project, method
  FROM events
  WHERE own_key IN (SELECT credential_id FROM wanted)
  UNION ALL
  SELECT
    changed_key,
    CASE
      WHEN code <> 0 THEN 'revoke_failed'
      WHEN method LIKE '%.DeleteServiceAccountKey' THEN 'deleted'
      WHEN method LIKE '%.DisableServiceAccountKey' THEN 'deactivated'
      WHEN method LIKE '%.EnableServiceAccountKey' THEN 'reactivated'
      ELSE 'created'
    END,
    timestamp, subject, actor, own_key, address, agent, project, method
  FROM events
  WHERE REGEXP_CONTAINS(method, r'\.(Create|Delete|Disable|Enable)ServiceAccountKey$')
    AND (changed_key IN (SELECT credential_id FROM wanted) OR own_key IN (SELECT credential_id FROM wanted))
    AND (code = 0 OR REGEXP_CONTAINS(method, r'\.(Delete|Disable)ServiceAccountKey$'))
)
SELECT
  credential_id, event, FORMAT_TIMESTAMP('%FT%TZ', timestamp) AS at, subject, actor, own_key AS `with`, address, agent,
  project AS account, CAST(NULL AS STRING) AS region, method AS word,
  FORMAT_TIMESTAMP('%FT%TZ', window_from) AS window_from, FORMAT_TIMESTAMP('%FT%TZ', window_to) AS window_to,
  'changes' AS sees -- and uses, where data access is logged for every service that the key may use
FROM found
CROSS JOIN asked
UNION ALL
SELECT
  credential_id, 'window', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  FORMAT_TIMESTAMP('%FT%TZ', window_from), FORMAT_TIMESTAMP('%FT%TZ', window_to), 'changes'
FROM wanted
CROSS JOIN asked

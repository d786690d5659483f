//! Traps of platforms: small files, and what is and is not read from each.

/// One trap of a platform: a file, and what is and is not read from it.
pub struct Trap {
    pub name: &'static str,
    pub file: &'static str,
    pub args: &'static [&'static str],
    pub says: &'static [&'static str],
    pub not: &'static [&'static str],
}

pub const HEAD: &str = "user,arn,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,additional_credentials_info";

pub const TRAPS: &[Trap] = &[
    Trap {
        name: "the credential report writes false for what is only switched off, N/A for an empty slot, and has no ids",
        file: "HEAD\nbg,arn:aws:iam::1:user/bg,FALSE,2026-01-01T00:00:00+00:00,2026-02-01T00:00:00Z,false,N/A,N/A,\n",
        args: &["--report-time", "FILE=2026-03-01T00:00Z"],
        says: &[
            "seen_inactive  2026-03-01T00:00:00Z  subject=bg  word=access_key_1  made=2026-01-01T00:00:00Z",
            "used           2026-02-01T00:00:00Z to 2026-02-01T00:15:00Z",
        ],
        not: &["access_key_2", "credential="],
    },
    Trap {
        name: "a user may have more keys than the two slots show",
        file: "HEAD\nbg,arn:aws:iam::1:user/bg,true,2026-01-01T00:00:00Z,N/A,false,N/A,N/A,3 keys\n",
        args: &["--report-time", "FILE=2026-03-01T00:00Z"],
        says: &["not whole: bg has more keys than the two that are listed"],
        not: &[],
    },
    Trap {
        name: "a listing has no time of its own",
        file: r#"{"AccessKeyMetadata":[{"UserName":"bg","AccessKeyId":"K1","Status":"Active","CreateDate":"2026-01-01T00:00:00.123Z"}]}"#,
        args: &[],
        says: &[
            "seen_active    at a time that is not known",
            "created        2026-01-01T00:00:00Z",
            "--report-time FILE=TIME",
        ],
        not: &[],
    },
    Trap {
        name: "an error code means that it did not happen",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteAccessKey","errorCode":"AccessDenied","requestParameters":{"userName":"bg","accessKeyId":"K1"}}"#,
        args: &[],
        says: &["revoke_failed  2026-01-01T00:00:00Z  subject=bg  credential=K1"],
        not: &["deleted "],
    },
    Trap {
        name: "a key that is refused was not used",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","errorCode":"InvalidClientTokenId","userIdentity":{"accessKeyId":"K1"}}"#,
        args: &[],
        says: &["use_failed     2026-01-01T00:00:00Z  credential=K1"],
        not: &["used "],
    },
    Trap {
        name: "without a user in the request it is the caller's own key",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteAccessKey","userIdentity":{"userName":"bg","accessKeyId":"K2"},"requestParameters":{"accessKeyId":"K1"}}"#,
        args: &[],
        says: &["deleted        2026-01-01T00:00:00Z  subject=bg  credential=K1  by=bg  with=K2"],
        not: &[],
    },
    Trap {
        name: "a password is changed without parameters",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"ChangePassword","userIdentity":{"userName":"bg"},"requestParameters":null}"#,
        args: &[],
        says: &["secret_changed 2026-01-01T00:00:00Z  subject=bg  credential=bg password"],
        not: &[],
    },
    Trap {
        name: "a failed console login may hide a password in the place of the name",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"userName":"HIDDEN_DUE_TO_SECURITY_REASONS"},"responseElements":{"ConsoleLogin":"Failure"}}"#,
        args: &[],
        says: &["use_failed     2026-01-01T00:00:00Z"],
        not: &["subject=HIDDEN", "used "],
    },
    Trap {
        name: "IAM's events come from one region",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteAccessKey","awsRegion":"eu-west-1","requestParameters":{"userName":"bg","accessKeyId":"K1"}}"#,
        args: &[],
        says: &["an IAM event from `eu-west-1`: they come from us-east-1"],
        not: &[],
    },
    Trap {
        name: "a session lives on when its key is gone",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"userName":"bg","accessKeyId":"K1"},"responseElements":{"credentials":{"accessKeyId":"ASIA1","expiration":"Jan 1, 2026 1:00:00 AM"}}}"#,
        args: &[],
        says: &[
            "session_minted 2026-01-01T00:00:00Z  subject=bg  credential=K1",
            "ASIA1 until Jan 1, 2026",
        ],
        not: &[],
    },
    Trap {
        name: "a session says when it ends, in one of two ways, and of which role it is",
        file: r#"{"eventTime":"2026-01-01T00:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"userName":"bg","accessKeyId":"K1"},"requestParameters":{"roleArn":"arn:aws:iam::1:role/ops/incident"},"responseElements":{"credentials":{"accessKeyId":"ASIA1","expiration":"2026-01-01T01:00:00Z"}}}"#,
        args: &[],
        says: &["session=ASIA1 of role/incident  until=2026-01-01T01:00:00Z"],
        not: &[],
    },
    Trap {
        name: "a table may say when a session ends",
        file: "credential_id,event,at,session,session_until\nK1,session_minted,2026-01-01T00:00:00Z,ASIA1,2026-01-01T01:00:00Z\n",
        args: &[],
        says: &["session=ASIA1  until=2026-01-01T01:00:00Z"],
        not: &[],
    },
    Trap {
        name: "sessions of a user are ended by a policy of that name, and by no other",
        file: "{\"eventTime\":\"2026-01-01T00:00:00Z\",\"eventSource\":\"iam.amazonaws.com\",\"eventName\":\"PutUserPolicy\",\"userIdentity\":{\"userName\":\"x\",\"accessKeyId\":\"K2\"},\"requestParameters\":{\"userName\":\"bg\",\"policyName\":\"AWSRevokeOlderSessions\"}}\n{\"eventTime\":\"2026-01-01T00:00:01Z\",\"eventSource\":\"iam.amazonaws.com\",\"eventName\":\"PutUserPolicy\",\"userIdentity\":{\"userName\":\"x\",\"accessKeyId\":\"K2\"},\"requestParameters\":{\"userName\":\"bg\",\"policyName\":\"Other\"}}\n",
        args: &[],
        says: &["sessions_ended 2026-01-01T00:00:00Z  subject=bg"],
        not: &["sessions_ended 2026-01-01T00:00:01Z"],
    },
    Trap {
        name: "Google's own keys are no keys of ours, and the year 9999 is never",
        file: r#"[{"name":"projects/p/serviceAccounts/a@p.iam/keys/one","validAfterTime":"2026-01-01T00:00:00Z","validBeforeTime":"9999-12-31T23:59:59Z","keyType":"USER_MANAGED","disabled":true},{"name":"projects/p/serviceAccounts/a@p.iam/keys/two","validAfterTime":"2026-01-01T00:00:00Z","keyType":"SYSTEM_MANAGED"}]"#,
        args: &["--report-time", "FILE=2026-03-01T00:00Z"],
        says: &["seen_inactive  2026-03-01T00:00:00Z  subject=a@p.iam  credential=one"],
        not: &["credential=two", "expires"],
    },
    Trap {
        name: "a day of last use is a day of the Pacific coast",
        file: r#"[{"activity":{"lastAuthenticatedTime":"2026-04-27T07:00:00Z"},"activityType":"serviceAccountKeyLastAuthentication","fullResourceName":"//iam.googleapis.com/projects/p/serviceAccounts/a@p.iam/keys/one"}]"#,
        args: &[],
        says: &[
            "used           2026-04-27T07:00:00Z to 2026-04-28T07:00:00Z  subject=a@p.iam  credential=one",
        ],
        not: &[],
    },
    Trap {
        name: "what a key did says which key it was; a status is a failure",
        file: "{\"timestamp\":\"2026-01-01T00:00:00Z\",\"protoPayload\":{\"methodName\":\"storage.objects.get\",\"authenticationInfo\":{\"principalEmail\":\"a@p.iam\",\"serviceAccountKeyName\":\"//iam.googleapis.com/projects/p/serviceAccounts/a@p.iam/keys/one\"},\"status\":{}}}\n{\"timestamp\":\"2026-01-01T00:00:01Z\",\"protoPayload\":{\"methodName\":\"google.iam.admin.v1.DeleteServiceAccountKey\",\"status\":{\"code\":7},\"request\":{\"name\":\"projects/-/serviceAccounts/a@p.iam/keys/one\"}}}\n",
        args: &[],
        says: &[
            "used           2026-01-01T00:00:00Z  subject=a@p.iam  credential=one",
            "revoke_failed  2026-01-01T00:00:01Z  subject=a@p.iam  credential=one",
        ],
        not: &["deleted "],
    },
    Trap {
        name: "a dash that is none, a space behind it, and lists in texts in JSON",
        file: "[{\"activityDisplayName\":\"Update application \u{2013} Certificates and secrets management \",\"activityDateTime\":\"2026-01-01T00:00:00.1234567Z\",\"result\":\"success\",\"targetResources\":[{\"id\":\"app\",\"modifiedProperties\":[{\"displayName\":\"KeyDescription\",\"oldValue\":\"[\\\"[KeyIdentifier=one,KeyType=Password]\\\",\\\"[KeyIdentifier=two,KeyType=Password]\\\"]\",\"newValue\":\"[\\\"[KeyIdentifier=two,KeyType=Password]\\\"]\"}]}]}]",
        args: &[],
        says: &["deleted        2026-01-01T00:00:00Z  subject=app  credential=one"],
        not: &["credential=two"],
    },
    Trap {
        name: "the request is what was asked, the response what was done, and an error is neither",
        file: "pre {\"time\":\"2026-01-01T00:00:00Z\",\"type\":\"request\",\"request\":{\"operation\":\"update\",\"path\":\"auth/userpass/login/bg\"}}\npre {\"time\":\"2026-01-01T00:00:01Z\",\"type\":\"response\",\"error\":\"invalid username or password\",\"request\":{\"operation\":\"update\",\"path\":\"auth/userpass/login/bg\"}}\npre {\"time\":\"2026-01-01T00:00:02Z\",\"type\":\"response\",\"request\":{\"operation\":\"update\",\"path\":\"auth/userpass/users/bg/password\"}}\n",
        args: &[],
        says: &[
            "use_failed     2026-01-01T00:00:01Z  subject=bg",
            "secret_changed 2026-01-01T00:00:02Z  subject=bg",
        ],
        not: &["2026-01-01T00:00:00Z  subject"],
    },
    Trap {
        name: "a statement is logged before it fails",
        file: "{\"timestamp\":\"2026-01-01 00:00:00.1 UTC\",\"pid\":1,\"session_id\":\"a\",\"user\":\"bg\",\"error_severity\":\"LOG\",\"message\":\"statement: ALTER ROLE bg PASSWORD 'SCRAM-SHA-256$x'\"}\n{\"timestamp\":\"2026-01-01 00:00:00.2 UTC\",\"pid\":1,\"session_id\":\"a\",\"user\":\"bg\",\"error_severity\":\"ERROR\",\"message\":\"permission denied\"}\n",
        args: &[],
        says: &["revoke_failed  2026-01-01T00:00:00Z  subject=bg"],
        not: &["secret_changed", "in clear"],
    },
    Trap {
        name: "the name of a zone is no offset",
        file: "{\"timestamp\":\"2026-01-01 01:00:00.1 CET\",\"pid\":1,\"session_id\":\"a\",\"user\":\"bg\",\"error_severity\":\"LOG\",\"message\":\"connection authorized: user=bg database=x\"}\n",
        args: &["--tz", "Europe/Paris"],
        says: &["used           2026-01-01T00:00:00Z  subject=bg"],
        not: &[],
    },
    Trap {
        name: "a log that somebody has searched line by line lacks lines inside of rows",
        file: "2026-01-01 00:00:00.1 UTC,\"bg\",\"x\",1,\"127.0.0.1:5\",a,1,\"auth\",2026-01-01 00:00:00 UTC,,0,FATAL,28P01,\"password authentication failed for user \"\"bg\"\"\",\"the next line is not here\n2026-01-01 00:00:01.1 UTC,\"bg\",\"x\",1,\"127.0.0.1:5\",b,1,\"auth\",2026-01-01 00:00:01 UTC,,0,LOG,00000,\"connection authorized: user=bg database=x\",,,,,,,,,\"psql\",\"client backend\",,0\n",
        args: &[],
        says: &[
            "not whole: row 1 is cut off",
            "use_failed     2026-01-01T00:00:00Z  subject=bg",
            "used           2026-01-01T00:00:01Z  subject=bg",
        ],
        not: &[],
    },
    Trap {
        name: "a shadow file counts days, and a lock does not move them",
        file: "root:!$6$abc$def:20780:0:99999:7:::\n",
        args: &["--report-time", "FILE=2026-12-01T00:00Z"],
        says: &[
            "seen_inactive  2026-12-01T00:00:00Z  subject=root",
            "secret_changed 2026-11-22T10:00:00Z to 2026-11-24T11:59:59Z",
            "password hashes",
        ],
        not: &[],
    },
    Trap {
        name: "an Okta export may have dropped the zone",
        file: r#"[{"published":"2026-01-01 01:00:00","eventType":"user.session.start","outcome":{"result":"SUCCESS"},"actor":{"id":"u","type":"User","alternateId":"bg@x"}}]"#,
        args: &["--tz", "+01:00"],
        says: &["used           2026-01-01T00:00:00Z  subject=bg@x"],
        not: &[],
    },
    Trap {
        name: "GitHub counts milliseconds",
        file: r#"{"action":"personal_access_token.access_revoked","actor":"x","created_at":1767225600123,"hashed_token":"abc=","user":"bg"}"#,
        args: &[],
        says: &["deleted        2026-01-01T00:00:00Z  subject=bg  credential=abc="],
        not: &[],
    },
    Trap {
        name: "a log that was cut off is not whole, and what is there counts",
        file: "{\"eventTime\":\"2026-01-01T00:00:00Z\",\"eventSource\":\"iam.amazonaws.com\",\"eventName\":\"DeleteAccessKey\",\"requestParameters\":{\"userName\":\"bg\",\"accessKeyId\":\"K1\"}}\n{\"eventTime\":\"2026-01-01T00:00:0",
        args: &[],
        says: &[
            "not whole: it is cut off in record 2",
            "deleted        2026-01-01T00:00:00Z  subject=bg  credential=K1",
        ],
        not: &[],
    },
];

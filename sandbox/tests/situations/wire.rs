//! A client of a few lines that signs for real, and a world to call in.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::Value;
use twolock_sandbox::{Clock, Device, Options, Role, Sandbox, User};

pub const ACCOUNT: &str = "111122223333";
pub const NOW: i64 = 1_750_000_000;

/// The parameters of a call.
pub type Params<'a> = &'a [(&'a str, &'a str)];

/// A sandbox whose clock stands still, with one user and her phone.
pub struct World {
    pub sandbox: Sandbox,
    pub alice: User,
    pub phone: Device,
}

impl World {
    pub fn new() -> World {
        World::with(Options::default())
    }

    pub fn with(options: Options) -> World {
        let sandbox = Sandbox::start(Options { clock: Clock::Fixed(NOW), ..options }).unwrap();
        let alice = sandbox.add_user(ACCOUNT, "alice");
        let phone = sandbox.add_device(&alice.arn, "alice-phone");
        World { sandbox, alice, phone }
    }

    pub fn alice(&self) -> Client {
        Client::new(&self.sandbox, &self.alice)
    }

    pub fn code(&self) -> String {
        self.sandbox.code(&self.phone.serial).unwrap().digits
    }

    /// Returns six digits that the phone does not show around now.
    pub fn wrong_code(&self) -> String {
        let shown: Vec<String> =
            [-30, 0, 30].iter().filter_map(|at| self.sandbox.code_at(&self.phone.serial, NOW + at)).collect();
        (0..).map(|number| format!("{number:06}")).find(|code| !shown.contains(code)).unwrap()
    }

    /// Returns a client with an MFA session of alice's.
    pub fn alice_with_mfa(&self) -> Client {
        let answer =
            self.alice().get_session_token(&[("SerialNumber", &self.phone.serial), ("TokenCode", &self.code())]);
        self.alice().with(&answer)
    }
}

/// Returns a role of another account that alice may assume, further conditions apart.
pub fn trusting_alice(world: &World) -> Role {
    Role::trusting("444455556666", "admin", &world.alice.arn)
}

/// Returns the verdict on a caller whom a policy does not let through.
pub fn not_authorized(caller: &str, action: &str, role: &str) -> String {
    format!("403 AccessDenied: User: {caller} is not authorized to perform: sts:{action} on resource: {role}")
}

#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub key: String,
    pub secret: String,
    pub token: Option<String>,
    pub region: String,
    pub service: String,
    pub time: i64,
}

impl Client {
    pub fn new(sandbox: &Sandbox, user: &User) -> Client {
        Client {
            address: SocketAddr::from(([127, 0, 0, 1], sandbox.port())),
            key: user.access_key_id.clone(),
            secret: user.secret_access_key.clone(),
            token: None,
            region: "us-east-1".to_owned(),
            service: "sts".to_owned(),
            time: sandbox.now(),
        }
    }

    /// Returns the same client with the credentials of an answer.
    pub fn with(&self, answer: &Answer) -> Client {
        Client {
            key: answer.need("AccessKeyId"),
            secret: answer.need("SecretAccessKey"),
            token: Some(answer.need("SessionToken")),
            ..self.clone()
        }
    }

    /// Returns the same client with the credentials of a JSON answer, wherever it has them.
    pub fn with_json(&self, credentials: &Value) -> Client {
        let text = |name: &str| credentials[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
        let token = Some(text("sessionToken"));
        Client { key: text("accessKeyId"), secret: text("secretAccessKey"), token, ..self.clone() }
    }

    /// Returns the same client for IAM.
    pub fn iam(&self) -> Client {
        Client { service: "iam".to_owned(), ..self.clone() }
    }

    pub fn get_session_token(&self, params: Params<'_>) -> Answer {
        self.call("GetSessionToken", params)
    }

    /// Asks for a role with the session name `work`, unless the parameters say otherwise.
    pub fn assume_role(&self, role: &str, params: Params<'_>) -> Answer {
        let mut all = vec![("RoleArn", role)];
        if !params.iter().any(|(name, _)| *name == "RoleSessionName") {
            all.push(("RoleSessionName", "work"));
        }
        all.extend_from_slice(params);
        self.call("AssumeRole", &all)
    }

    pub fn who(&self) -> Answer {
        self.call("GetCallerIdentity", &[])
    }

    pub fn call(&self, action: &str, params: Params<'_>) -> Answer {
        self.try_call(action, params).unwrap()
    }

    pub fn try_call(&self, action: &str, params: Params<'_>) -> io::Result<Answer> {
        let version = if self.service == "iam" { "2010-05-08" } else { "2011-06-15" };
        let mut fields = vec![("Action", action), ("Version", version)];
        fields.extend_from_slice(params);
        self.send(&form(&fields))
    }

    pub fn send(&self, body: &str) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(&self.request(body))?;
        Answer::read(stream)
    }

    /// Returns the bytes of a signed request.
    pub fn request(&self, body: &str) -> Vec<u8> {
        let identity = Credentials::new(&self.key, &self.secret, self.token.clone(), None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(UNIX_EPOCH + Duration::from_secs(self.time.unsigned_abs()))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let host = self.address.to_string();
        let mut headers = vec![
            ("host".to_owned(), host.clone()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let signable = SignableRequest::new(
            "POST",
            format!("http://{host}/"),
            headers.iter().map(|(n, v)| (n.as_str(), v.as_str())),
            SignableBody::Bytes(body.as_bytes()),
        )
        .unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        headers.extend(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut text = "POST / HTTP/1.1\r\nuser-agent: wire/1\r\nconnection: close\r\n".to_owned();
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("content-length: {}\r\n\r\n{body}", body.len());
        text.into_bytes()
    }
}

/// Sends a JSON call without a signature, with further headers.
pub fn send_json(world: &World, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let port = world.sandbox.port();
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    Answer::read(stream).unwrap()
}

/// Returns fields as a form body.
pub fn form(fields: Params<'_>) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// Reads a whole answer; one that ends before its announced length is an error.
    pub fn read(mut stream: impl Read) -> io::Result<Answer> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let answer = Answer { status: head[9..12].parse().unwrap(), head: head.to_owned(), body: body.to_owned() };
        let length: usize = answer.header("Content-Length").unwrap().parse().unwrap();
        if body.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(answer)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&start))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// Returns status, exception and error of a JSON answer in one line; `200` for a good one.
    pub fn json_verdict(&self) -> String {
        match self.header("x-amzn-errortype") {
            None => self.status.to_string(),
            Some(name) => {
                let body = self.json();
                let error = body["error"].as_str().map(|error| format!(" {error}")).unwrap_or_default();
                format!("{} {name}{error}", self.status)
            }
        }
    }

    /// Returns the text of the first element of this name.
    pub fn get(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
    }

    /// Returns the texts of all elements of this name.
    pub fn all(&self, name: &str) -> Vec<String> {
        let (start, end) = (format!("<{name}>"), format!("</{name}>"));
        let parts = self.body.split(&start).skip(1);
        parts.filter_map(|rest| Some(rest.split_once(&end)?.0.to_owned())).collect()
    }

    pub fn need(&self, name: &str) -> String {
        self.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// Returns status, code and message in one line; `200` for a good answer.
    pub fn verdict(&self) -> String {
        match self.get("Code") {
            None => self.status.to_string(),
            Some(code) => format!("{} {code}: {}", self.status, self.need("Message")),
        }
    }

    pub fn assert_good(&self) {
        assert_eq!(self.verdict(), "200", "{self:?}");
    }
}

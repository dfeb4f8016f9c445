//! Pages that are built by script, read through a WebDriver (W3C, "WebDriver", level 2) such as chromedriver's.
//!
//! The browser only builds the page: it loads no pictures, it is told who asks, and it finds no other hosts than the recipe's.
//! Before it, the page is asked for plainly, since a browser does not say what status and headers came.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thiserror::Error;
use ureq::Agent;
use url::Url;

use super::client::user_agent;
use super::recipe::CollectRecipe;

/// How often it is looked whether the page is built.
const LOOK: Duration = Duration::from_millis(50);
/// The key under which an element comes (WebDriver, 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser that could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum BrowserError {
    /// Nothing that talks WebDriver is there.
    #[error("{address}: no WebDriver answers there ({reason}): start one, such as chromedriver --port=9515")]
    NotThere { address: String, reason: String },
    /// It says that it cannot.
    #[error("the browser: {error}: {message}")]
    Refused { error: String, message: String },
    /// The page never held what was waited for.
    #[error("nothing on the page matched \"{selector}\" within {seconds} seconds of building it by script")]
    NotBuilt { selector: String, seconds: f64 },
    /// A script, or the page itself, led the browser elsewhere.
    #[error("led the browser on to {url}, which is another site")]
    LedElsewhere { url: String },
}

impl BrowserError {
    /// Whether it is this page alone that could not be read.
    pub(super) fn is_of_the_page(&self) -> bool {
        !matches!(self, BrowserError::NotThere { .. })
    }
}

/// A browser; clones are the same one.
#[derive(Clone)]
pub(super) struct Browser {
    driver: Driver,
    /// What a session is begun with.
    wanted: Value,
    session: Arc<Mutex<Option<String>>>,
    patience: Duration,
}

/// What talks to the WebDriver.
#[derive(Clone)]
struct Driver {
    agent: Agent,
    address: String,
}

impl Browser {
    /// The browser behind the WebDriver at `address`, which has to be there.
    pub fn at(address: &str, recipe: &CollectRecipe) -> Result<Browser, BrowserError> {
        let patience = recipe.limits.request;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            // A browser takes its time to start, and has its own time limit for pages.
            .timeout_global(Some(patience + Duration::from_secs(60)))
            .build();
        let driver = Driver { agent: config.into(), address: address.trim_end_matches('/').to_owned() };
        driver.get("/status")?;
        Ok(Browser { driver, wanted: capabilities(recipe), session: Arc::default(), patience })
    }

    /// The text of the page at `url` once it holds something that `wait_for` matches.
    pub fn read(&self, url: &Url, wait_for: &str) -> Result<String, BrowserError> {
        // One page at a time: a session has one window.
        let mut session = self.session.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let name = match session.as_ref() {
            Some(name) => name.clone(),
            None => session.insert(self.begin()?).clone(),
        };
        let path = |rest: &str| format!("/session/{name}/{rest}");
        self.driver.post(&path("url"), &json!({ "url": url.as_str() }))?;
        self.wait(&path("elements"), wait_for)?;
        let at = self.driver.get(&path("url"))?;
        let at = at.as_str().unwrap_or_default();
        if Url::parse(at).ok().is_none_or(|at| at.origin() != url.origin()) {
            return Err(BrowserError::LedElsewhere { url: at.to_owned() });
        }
        Ok(self.driver.get(&path("source"))?.as_str().unwrap_or_default().to_owned())
    }

    fn begin(&self) -> Result<String, BrowserError> {
        let session = self.driver.post("/session", &self.wanted)?;
        let name = session["sessionId"].as_str().unwrap_or_default().to_owned();
        let milliseconds = self.patience.as_millis() as u64;
        let limits = json!({ "pageLoad": milliseconds, "script": milliseconds, "implicit": 0 });
        self.driver.post(&format!("/session/{name}/timeouts"), &limits)?;
        Ok(name)
    }

    fn wait(&self, path: &str, selector: &str) -> Result<(), BrowserError> {
        let begun = Instant::now();
        loop {
            let search = json!({ "using": "css selector", "value": selector });
            let found = self.driver.post(path, &search)?;
            if found.as_array().is_some_and(|all| all.iter().any(|one| one.get(ELEMENT).is_some())) {
                return Ok(());
            }
            if begun.elapsed() > self.patience {
                let seconds = self.patience.as_secs_f64();
                return Err(BrowserError::NotBuilt { selector: selector.to_owned(), seconds });
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Ends the session, and with it the browser's window.
    pub fn quit(self) {
        let session = self.session.try_lock().ok().and_then(|mut session| session.take());
        if let Some(name) = session {
            // A browser that is gone already has ended too.
            let _ = self.driver.delete(&format!("/session/{name}"));
        }
    }
}

impl Driver {
    fn get(&self, path: &str) -> Result<Value, BrowserError> {
        self.value(self.agent.get(format!("{}{path}", self.address)).call())
    }

    fn delete(&self, path: &str) -> Result<Value, BrowserError> {
        self.value(self.agent.delete(format!("{}{path}", self.address)).call())
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, BrowserError> {
        let request = self.agent.post(format!("{}{path}", self.address));
        self.value(request.header("Content-Type", "application/json; charset=utf-8").send(body.to_string()))
    }

    /// What an answer holds, or what the driver says went wrong.
    fn value(
        &self,
        answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, BrowserError> {
        let not_there = |reason: String| BrowserError::NotThere { address: self.address.clone(), reason };
        let mut response = answered.map_err(|error| not_there(error.to_string()))?;
        let body = response.body_mut().with_config().limit(256 << 20).read_to_vec();
        let body = body.map_err(|error| not_there(error.to_string()))?;
        let mut body: Value = serde_json::from_slice(&body).map_err(|error| not_there(error.to_string()))?;
        let value = body["value"].take();
        match value.get("error").and_then(Value::as_str) {
            Some(error) => {
                let message = value["message"].as_str().unwrap_or_default();
                let message = message.lines().next().unwrap_or_default().to_owned();
                Err(BrowserError::Refused { error: error.to_owned(), message })
            }
            None => Ok(value),
        }
    }
}

/// What kind of browser is wanted: one without a window that loads no pictures and knows the recipe's hosts only.
fn capabilities(recipe: &CollectRecipe) -> Value {
    let hosts = recipe.sites.iter().flat_map(|site| {
        let own = site.start.iter().filter_map(|url| url.host_str()).map(str::to_owned);
        own.chain(site.script_hosts.iter().cloned())
    });
    let known: Vec<String> = hosts.map(|host| format!("EXCLUDE {host}")).collect();
    let mut arguments = vec![
        "--headless=new".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--blink-settings=imagesEnabled=false".to_owned(),
        "--no-proxy-server".to_owned(),
        format!("--user-agent={}", user_agent(&recipe.contact)),
        format!("--host-resolver-rules=MAP * ~NOTFOUND, {}", known.join(", ")),
    ];
    if is_root() {
        arguments.push("--no-sandbox".to_owned());
    }
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": { "args": arguments },
    } } })
}

/// Chromium's sandbox does not start for root, as in a container.
#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

//! The real program in a real window: under Xvfb, drawn by software Vulkan, driven by keys. It needs Xvfb and xdotool; where they are not
//! there it says so and tests nothing, unless `GAIRAT_TEST_ADAPTER` is set, which promises that everything is there.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failure is a panic in a test")]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A screen that nobody sees.
struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    fn open() -> Option<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1400x900x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut number = String::new();
        BufReader::new(server.stdout.take()?).read_line(&mut number).ok()?;
        Some(Self { server, display: format!(":{}", number.trim()) })
    }

    fn xdotool(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("xdotool").args(arguments).env("DISPLAY", &self.display).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Presses keys, one after the other, with a frame or two between them.
    fn press(&self, keys: &[&str]) {
        for key in keys {
            self.xdotool(&["key", key]).expect("the key is pressed");
            std::thread::sleep(Duration::from_millis(150));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The program in its window.
struct Window<'a> {
    screen: &'a Screen,
    program: Child,
}

impl<'a> Window<'a> {
    fn open(screen: &'a Screen, arguments: &[&str]) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_gairat"))
            .args(["--frame-stats", "300"])
            .args(arguments)
            .env("DISPLAY", &screen.display)
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let window = Self { screen, program };
        window.focus();
        window
    }

    /// Waits for the window and gives it the keyboard: there is no window manager that would.
    fn focus(&self) {
        wait("the window is there", || {
            let found = self.screen.xdotool(&["search", "--onlyvisible", "--name", "^gairat$"])?;
            self.screen.xdotool(&["windowfocus", found.lines().next()?])
        });
    }

    /// All that was printed, by this program and by one that it started.
    fn output(&mut self) -> (String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.program.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.program.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (out, err)
    }

    /// Closes it by its keys and gives its report.
    fn close(mut self) -> serde_json::Value {
        self.screen.press(&["ctrl+q"]);
        let status = wait("the window closes", || self.program.try_wait().expect("the program can be waited for"));
        let (out, err) = self.output();
        assert!(status.success(), "{status}: {err}");
        assert!(!err.contains("panicked"), "{err}");
        serde_json::from_str(out.trim()).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Asks until there is an answer, at most half a minute.
fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "within half a minute {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn epochs(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

/// A screen to test on; none where there is nothing to make one with.
fn screen() -> Option<Screen> {
    let tools = Command::new("xdotool").arg("version").output().is_ok();
    let screen = Screen::open().filter(|_| tools);
    if screen.is_none() {
        assert!(std::env::var_os("GAIRAT_TEST_ADAPTER").is_none(), "Xvfb and xdotool are needed");
        eprintln!("NOT TESTED: Xvfb or xdotool is not there");
    }
    screen
}

#[test]
fn a_window_whose_device_is_lost_comes_back_on_the_cpu_and_its_run_goes_on() {
    let Some(screen) = screen() else { return };
    let adapter = std::env::var("GAIRAT_TEST_ADAPTER").unwrap_or_else(|_| "llvmpipe".to_owned());
    let root = tempfile::tempdir().unwrap();
    let settings = ["--runs", root.path().to_str().unwrap(), "--device", &adapter, "--points", "300", "--epochs", "100000"];
    let mut window = Window::open(&screen, &[&settings[..], &["--lose-device-after", "8"]].concat());
    let folder: PathBuf = wait("a run folder is there", || Some(std::fs::read_dir(root.path()).ok()?.next()?.ok()?.path()));
    wait("an epoch is trained on the GPU", || (epochs(&folder) >= 1).then_some(()));
    let status = wait("the device is lost and the program starts again", || window.program.try_wait().unwrap());
    assert!(status.success(), "{status}");
    let before = epochs(&folder);
    window.focus();
    wait("the run goes on", || (epochs(&folder) > before + 3).then_some(()));
    screen.press(&["ctrl+q"]);
    let (out, err) = window.output();
    let report: serde_json::Value = serde_json::from_str(out.trim()).unwrap_or_else(|error| panic!("{error}: {out} {err}"));
    assert_eq!(report["device"], "CPU", "{report}");
    assert_eq!(report["folder"], folder.to_str().unwrap());
    assert!(report["notices"][0].as_str().unwrap().contains("The GPU no longer answers"), "{report}");
    assert!(!err.contains("panicked"), "{err}");
}

#[test]
fn a_window_trains_selects_scrubs_saves_closes_and_goes_on() {
    let Some(screen) = screen() else { return };
    let root = tempfile::tempdir().unwrap();
    let runs = root.path().to_str().unwrap();
    let settings = ["--runs", runs, "--device", "cpu", "--points", "1000", "--epochs", "100000"];

    let window = Window::open(&screen, &settings);
    let folder: PathBuf = wait("a run folder is there", || Some(std::fs::read_dir(root.path()).ok()?.next()?.ok()?.path()));
    screen.press(&["bracketright"; 8]);
    // 900 points in batches of 128: 8 steps an epoch.
    wait("200 steps are trained", || (epochs(&folder) >= 25).then_some(()));
    screen.press(&["space", "Down"]);
    std::thread::sleep(Duration::from_millis(600));
    screen.press(&["Left", "Left", "Left", "ctrl+s"]);
    let report = window.close();
    assert!(report["steps"].as_u64().unwrap() >= 200, "{report}");
    assert!(report["selected"].is_u64(), "{report}");
    assert_eq!(report["attack_step"], 7, "three steps back from the last: {report}");
    assert_eq!(report["folder"], folder.to_str().unwrap());
    let stopped = epochs(&folder);

    let window = Window::open(&screen, &["--open", folder.to_str().unwrap()]);
    wait("it goes on", || (epochs(&folder) > stopped).then_some(()));
    let again = window.close();
    assert!(again["steps"].as_u64() > report["steps"].as_u64(), "{again} after {report}");
    let rows = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let numbers: Vec<u64> =
        rows.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["epoch"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "no epoch is missing or twice: {numbers:?}");
}

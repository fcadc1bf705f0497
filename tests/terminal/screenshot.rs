//! The window as a picture, without a screen.

use crate::{command, fail, run};

#[test]
fn a_picture_of_the_window_has_the_size_that_was_asked_for_and_leaves_no_run_behind() {
    let folder = tempfile::tempdir().unwrap();
    let asked = "--screenshot out.png --size 700x520 --theme light --after-steps 30 --device cpu --select";
    let output = run(folder.path(), asked);
    let message = String::from_utf8_lossy(&output.stderr);
    if message.contains("no graphics driver") && std::env::var_os("GAIRAT_TEST_ADAPTER").is_none() {
        eprintln!("NOT TESTED: {message}");
        return;
    }
    assert!(output.status.success(), "{message}");
    let png = std::fs::read(folder.path().join("out.png")).unwrap();
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!((&png[1..4], side(16), side(20)), (b"PNG".as_slice(), 700, 520));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing but the picture");
}

#[test]
fn a_link_of_the_page_opens_here_and_what_it_cannot_mean_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let link = "https://example.org/gairat/#v=1&data=circles&epsilon=cow&hide=curves&theme=light&weather=fine";
    let mut asked = command(folder.path(), "--screenshot out.png --size 700x520 --after-steps 5 --device cpu");
    let output = asked.args(["--link", link]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    if message.contains("no graphics driver") && std::env::var_os("GAIRAT_TEST_ADAPTER").is_none() {
        eprintln!("NOT TESTED: {message}");
        return;
    }
    assert!(output.status.success(), "{message}");
    assert!(message.contains("epsilon") && message.contains("weather"), "{message}");
    assert!(folder.path().join("out.png").is_file());
}

#[test]
fn a_window_without_a_screen_says_how_to_do_without() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), "--data circles");
    let output = command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("no screen") && message.contains("gairat train"), "{message}");
    assert!(fail(folder.path(), "--open nowhere", 2).contains("nowhere"));
}

//! `gairat compare`: many runs, their table, and what a kill leaves of them.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
};

use crate::{command, fail, files, json, run, succeed};

/// Two methods with two seeds each, a moment's work.
const SMALL: &str = "--data moons --points 300 --test 100 --epochs 4 --burn-in 2 --device cpu --epsilon 0.02 --step-size 0.004";

fn small(out: &str, more: &str) -> String {
    format!("compare --methods at,gairat --seeds 0-1 {SMALL} --out {out} {more}")
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn methods_settings_and_seeds_become_runs_and_a_table_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let told = succeed(folder.path(), &small("all", "--vary lambda=-1,0"));
    for part in
        ["best weights", "weights of the last epoch", "natural", "PGD-20", "CW-20", "worst", "gairat lambda=-1 − at", "95 %"]
    {
        assert!(told.contains(part), "{part} in {told}");
    }
    let all = folder.path().join("all");
    let names = ["at_seed0", "at_seed1", "gairat_lambda=-1_seed0", "gairat_lambda=-1_seed1", "gairat_lambda=0_seed0"];
    for name in names {
        assert!(all.join(name).join("summary.json").exists(), "{name}");
    }
    // The mean of the table is that of the runs' own summaries.
    let of_run = |name: &str| -> f64 {
        let summary: serde_json::Value = serde_json::from_str(&text(&all.join(name).join("summary.json"))).unwrap();
        summary["pgd20"].as_f64().unwrap()
    };
    let mean = (of_run("at_seed0") + of_run("at_seed1")) / 2.0;
    let table: serde_json::Value = serde_json::from_str(&text(&all.join("table.json"))).unwrap();
    let column = &table["table"]["blocks"][0]["rows"][0]["columns"][1];
    assert_eq!(column["name"], "pgd20");
    assert!((column["spread"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!(text(&all.join("table.md")).contains(&format!("{:.2} ±", 100.0 * mean)));
    assert!(text(&all.join("table.tex")).contains(&format!("${:.2} \\pm", 100.0 * mean)));
    assert!(text(&all.join("table.csv")).contains(&format!("best,quick,at,pgd20,2,{mean},")));
    assert!(text(&all.join("runs.csv")).contains("gairat_lambda=0_seed1,gairat lambda=0,1,best,pgd20,"));
    assert!(text(&all.join("figures/best-pgd20.svg")).starts_with("<svg"));
    assert!(text(&all.join("report.html")).contains("gairat lambda=0"));
}

#[test]
fn a_comparison_is_extended_and_never_cut_down() {
    let folder = tempfile::tempdir().unwrap();
    let of =
        |methods: &str, seeds: &str, more: &str| format!("compare --methods {methods} --seeds {seeds} {SMALL} --out all {more}");
    succeed(folder.path(), &of("at", "0-1", ""));
    let table = folder.path().join("all/table.csv");
    let before = text(&table);
    let refusal = fail(folder.path(), &of("gairat", "1", ""), 2);
    assert!(refusal.contains("has 2 runs") && refusal.contains("leaves out 2 of them, such as at_seed0"), "{refusal}");
    assert_eq!(text(&table), before);
    succeed(folder.path(), &of("at,gairat", "0-1", ""));
    assert!(text(&table).contains("gairat"));
    let told = String::from_utf8(run(folder.path(), &of("at,gairat", "0-1", "--suite fast")).stderr).unwrap();
    assert!(told.contains("the tables of suite quick in all are replaced by those of suite fast"), "{told}");
}

#[test]
fn a_run_of_a_comparison_is_the_run_of_train_to_the_last_byte() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &small("all", "--parallel 2"));
    succeed(folder.path(), &format!("train --method gairat --seed 1 --threads 1 {SMALL} --out alone"));
    assert_eq!(files(&folder.path().join("all/gairat_seed1")), files(&folder.path().join("alone")));
}

#[test]
fn lines_of_the_plan_run_by_themselves_and_finished_runs_are_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    succeed(folder.path(), &small("all", ""));
    let all = folder.path().join("all");
    let plan: serde_json::Value = serde_json::from_str(&text(&all.join("plan.json"))).unwrap();
    let lines = plan["runs"].as_array().unwrap();
    assert_eq!(lines.len(), 4);
    let line = lines.iter().find(|line| line["name"] == "gairat_seed0").unwrap();
    assert_eq!(text(&all.join("plan.json")).lines().filter(|line| line.contains("\"argv\"")).count(), 4, "a line a run");
    let argv: Vec<&str> = line["argv"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
    assert_eq!(argv[0], "gairat");
    // Another engine makes the run anew from its line alone.
    let run_folder = all.join("gairat_seed0");
    let before = files(&run_folder);
    fs::remove_dir_all(&run_folder).unwrap();
    let status = command(Path::new(plan["cwd"].as_str().unwrap()), "").args(&argv[1..]).stdout(Stdio::null()).status().unwrap();
    assert!(status.success());
    assert_eq!(files(&run_folder), before);
    // The same request finds all of them done.
    let events = json(&succeed(folder.path(), &small("all", "--json")));
    assert_eq!((events[0]["done"].as_u64(), events.len()), (Some(4), 2), "{events:?}");
    assert_eq!(events[1]["event"], "comparison");
    assert_eq!(files(&run_folder), before);
    // More seeds are more runs, and the others stay.
    let more = json(&succeed(folder.path(), &small("all", "--json").replace("0-1", "0-2")));
    assert_eq!((more[0]["runs"].as_u64(), more[0]["done"].as_u64()), (Some(6), Some(4)));
}

#[test]
fn killed_in_the_middle_it_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let long = |out: &str| small(out, "--json").replace("--epochs 4", "--epochs 60").replace("--points 300", "--points 2000");
    succeed(folder.path(), &long("whole"));
    let mut child = command(folder.path(), &long("killed")).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.by_ref().filter(|line| line.contains("\"run_epoch\"")).take(5).count(), 5);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!folder.path().join("killed/table.json").exists());
    let events = json(&succeed(folder.path(), &long("killed")));
    assert!(events.iter().any(|event| event["event"] == "run_ended"), "{events:?}");
    for name in ["at_seed0", "at_seed1", "gairat_seed0", "gairat_seed1"] {
        assert_eq!(files(&folder.path().join("killed").join(name)), files(&folder.path().join("whole").join(name)), "{name}");
    }
    let table = |out: &str| -> Vec<String> {
        let runs = text(&folder.path().join(out).join("runs.csv"));
        runs.lines().filter(|line| !line.contains(",seconds,")).map(str::to_owned).collect()
    };
    assert_eq!(table("killed"), table("whole"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_the_runs_at_work_and_the_same_command_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let long = small("all", "--json").replace("--epochs 4", "--epochs 60").replace("--points 300", "--points 2000");
    let mut child = command(folder.path(), &long).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.by_ref().filter(|line| line.contains("\"run_epoch\"")).take(5).count(), 5);
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let rest: Vec<String> = lines.collect();
    assert!(rest.iter().any(|line| line.contains("\"state\":\"stopped\"")), "{rest:?}");
    assert!(child.wait().unwrap().success());
    assert!(!folder.path().join("all/table.json").exists());
    let collected = succeed(folder.path(), "compare --collect all");
    assert!(collected.contains("at_seed0: ") && collected.contains("epochs are done"), "{collected}");
    let events = json(&succeed(folder.path(), &long));
    assert_eq!(events.last().unwrap()["missing"].as_array().unwrap().len(), 0);
}

/// When the process that started it is gone, a run that was started with a pipe saves what it has and ends.
#[test]
fn a_run_whose_pipe_closes_saves_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "train --data digits --validation 0 --device cpu --out run --json --until-stdin-closes";
    let mut child = command(folder.path(), arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line.contains("\"event\":\"epoch\"")));
    drop(child.stdin.take());
    assert!(lines.last().unwrap().contains("\"event\":\"stopped\""));
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_suite_judges_the_best_weights_after_training() {
    let folder = tempfile::tempdir().unwrap();
    let told = succeed(folder.path(), &small("all", "--suite fast --seeds 0").replace("--seeds 0-1", ""));
    assert!(told.contains("suite fast") && told.contains("suite quick"), "{told}");
    assert!(folder.path().join("all/at_seed0/eval-fast/evaluation.json").exists());
    let rows = text(&folder.path().join("all/table.csv"));
    assert!(rows.contains("best,fast,at,pgd20,1,") && rows.contains("last,quick,at,pgd20,1,"), "{rows}");
    let events = json(&succeed(folder.path(), &small("all", "--suite fast --seeds 0 --json").replace("--seeds 0-1", "")));
    assert_eq!(events[0]["done"], 2);
}

#[test]
fn a_run_that_fails_is_told_and_the_others_are_in_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &format!("compare --methods at --seeds 0 {SMALL} --vary lr=0.1,1000 --init he --out all"));
    let (table, message) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("1 of 2 runs failed; at_lr=1000_seed0: ") && message.contains("finite"), "{message}");
    assert!(
        table.contains("at lr=0.1") && table.contains("at_lr=1000_seed0: ") && table.contains("it is not in the table"),
        "{table}"
    );
}

#[test]
fn wrong_requests_are_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, parts) in [
        ("--methods at,tradess", ["--method: ", "`tradess`", "`trades`"]),
        ("--methods at,at", ["--methods: ", "twice", "at"]),
        ("--seeds=", ["--seeds: ", "``", "0-4"]),
        ("--seeds 4-0", ["--seeds: ", "`4-0`", "0-4"]),
        ("--vary epsilonn=0.1,0.2", ["--vary: ", "`epsilonn`", "`epsilon`"]),
        ("--vary lambda", ["--vary: ", "`lambda`", "lambda=-2,-1,0"]),
        ("--vary epsilon=0.1,2", ["--epsilon: ", "2", "0 to 1"]),
        ("--methods at --lambda -1", ["--lambda: ", "at", "gairat"]),
        ("--methods at --vary lambda=-1,0", ["--lambda: ", "at", "gairat"]),
        ("--slurm --mem=2G", ["--slurm: ", "--on slurm", "leave"]),
        ("--on slurm --slurm --array=1", ["--slurm: ", "--array=1", "--mem=2G"]),
        ("--suite nonsense", ["--suite: ", "`nonsense`", "`trust`"]),
        ("--data npz:absent.npz", ["absent.npz", "cannot be read", "Check"]),
        ("--model resnet18", ["resnet18", "2", "image"]),
    ] {
        let message = fail(folder.path(), &format!("compare --out all {arguments}"), 2);
        for part in parts {
            assert!(message.contains(part), "`{part}` in the answer to `compare {arguments}`: {message}");
        }
    }
    assert!(fail(folder.path(), "compare", 2).contains("--out"));
    assert!(fail(folder.path(), "compare --collect nowhere", 2).contains("plan.json"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // A folder of another comparison keeps its runs.
    succeed(folder.path(), &small("all", ""));
    let before = files(&folder.path().join("all"));
    let message = fail(folder.path(), &small("all", "").replace("--epochs 4", "--epochs 5"), 2);
    assert!(message.contains("at_seed0") && message.contains("epochs `4`") && message.contains("`5`"), "{message}");
    assert!(files(&folder.path().join("all")) == before);
}

//! `gairat compare`: methods × settings × seeds, each a run that goes on where it was, and the table of what they come to.

mod gather;
mod local;
mod plan;
mod progress;
mod slurm;
mod tables;
mod task;
mod words;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use gairat::{
    compare::{Grid, GridError, Run, seeds, varied},
    dataset, device,
    evaluate::Suite,
    files,
    model::ModelSpec,
    session::Event,
    settings::Field,
};

use self::{
    gather::gather,
    plan::{Plan, State},
    progress::Progress,
    slurm::{Jobs, Standing},
    task::{Outcome, Tethers},
};
use super::{examples::examples, given, json_arg, run_folder, settings_args};
use crate::{driver, failure::Failure};

/// The file that a comparison at work holds.
const LOCK: &str = "compare.lock";
/// The time between two looks at the queue under `--wait`.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often a line tells that nothing is new.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// The settings that all runs have: methods and seeds have lists of their own.
fn keeps(field: &Field) -> bool {
    !matches!(field.name, "method" | "seed")
}

pub(super) fn definition() -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).help_heading("Comparison")
    };
    Command::new("compare")
        .about("Train methods × settings × seeds and put what they come to into a table")
        .after_help(examples(&[
            ("Three methods, five seeds each", "compare --methods at,gairat,trades --seeds 0-4 --data digits --out results"),
            ("The same method with other values of λ", "compare --methods gairat --vary lambda=-2,-1,0 --seeds 0-2 --data digits --out lambda"),
            ("On a cluster, then the table", "compare --methods at,gairat --data digits --out wide --on slurm --slurm \"--mem=2G --time=10\""),
            ("Gather what has been done", "compare --collect wide --wait"),
        ]))
        .arg(text("methods", "LIST", "Methods, separated by commas; differences are taken to the first").default_value("at,gairat"))
        .arg(text("seeds", "LIST", "Seeds, such as 0-4 or 1,2,7").default_value("0-4"))
        .arg(
            text("vary", "SETTING=LIST", "Values of a setting of `train`, such as lambda=-2,-1,0, in every combination; semicolons where values hold commas")
                .action(ArgAction::Append),
        )
        .arg(
            text("suite", "NAME", "quick: what training reports; another suite of `gairat eval` judges the best weights afterwards")
                .default_value(Suite::QUICK.name),
        )
        .arg(
            text("parallel", "N", "Runs at a time [default: as many as the cores have threads for; one on a GPU]")
                .value_parser(value_parser!(u16).range(1..)),
        )
        .arg(
            text("out", "DIR", "Folder of the runs and of the table; asked for again, it goes on where it was")
                .value_parser(value_parser!(PathBuf))
                .required_unless_present("collect"),
        )
        .arg(
            text("on", "WHERE", "local: processes of this machine; slurm: a job array, one run a task")
                .value_parser(["local", "slurm"])
                .default_value("local"),
        )
        .arg(
            text("slurm", "OPTIONS", "Resources of a task, as sbatch takes them: \"--mem=2G --time=10\"")
                .allow_hyphen_values(true),
        )
        .arg(
            text("collect", "DIR", "Gather what the comparison in this folder has come to; tasks of SLURM that were lost are submitted again")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with_all(["methods", "seeds", "vary", "suite", "parallel", "out", "on", "slurm"]),
        )
        .arg(
            text("wait", "", "Wait until SLURM has done all runs, and submit lost ones again meanwhile").action(ArgAction::SetTrue),
        )
        .arg(Arg::new("task").long("task").value_name("NAME").requires("collect").hide(true))
        .arg(json_arg())
        .args(settings_args(keeps))
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let json = matches.get_flag("json");
    if let Some(dir) = matches.get_one::<PathBuf>("collect") {
        let plan = Plan::read(dir)?;
        if let Some(name) = matches.get_one::<String>("task") {
            return task_alone(dir, &plan, name);
        }
        return match Jobs::read(dir)? {
            Some(jobs) => on_slurm(dir, &plan, jobs, (false, matches.get_flag("wait"), json)),
            None => conclude(dir, &plan, json),
        };
    }
    let Some(dir) = matches.get_one::<PathBuf>("out") else {
        // clap has asked for it.
        return Ok(ExitCode::FAILURE);
    };
    let on_cluster = matches.get_one::<String>("on").is_some_and(|on| on == "slurm");
    if matches.contains_id("slurm") && !on_cluster {
        return Err(Failure::Request("--slurm: resources are for --on slurm; add it, or leave --slurm out".to_owned()));
    }
    let resources = matches.get_one::<String>("slurm").map(|text| slurm::options(text)).transpose()?;
    let runs = grid(matches)?.runs()?;
    let name = matches.get_one::<String>("suite").map_or(Suite::QUICK.name, String::as_str);
    let suite = Suite::named(name).map_err(|problem| Failure::Request(format!("--suite: {problem}")))?;
    let threads = check(&runs)?;
    let cpu = pollster::block_on(device::choose(&runs[0].settings.device))?.cpu;
    for run in &runs {
        run_folder::same_run(&dir.join(&run.name), &run.settings)?;
    }
    if on_cluster {
        // Nothing is made where there is none.
        slurm::queue()?;
    }
    let plan = Plan::of(&runs, dir, suite, threads, cpu)?;
    let replaced = plan.replaces(dir)?;
    let lock = claim(dir)?;
    plan.write(dir)?;
    for message in replaced.into_iter().chain(idle_in_all(&runs)) {
        crate::terminal::tell!("warning: {message}");
    }
    if on_cluster {
        drop(lock);
        let mut jobs = Jobs::read(dir)?.unwrap_or_default();
        if let Some(resources) = resources {
            jobs.options = resources;
        }
        return on_slurm(dir, &plan, jobs, (true, matches.get_flag("wait"), json));
    }
    let states = plan.runs.iter().map(|line| line.state(dir, &plan.suite)).collect::<Result<Vec<State>, _>>()?;
    let parallel = matches.get_one::<u16>("parallel").map_or_else(|| parallel(&plan), |asked| usize::from(*asked));
    let stop: Arc<AtomicBool> = driver::stop_flag()?;
    let mut progress = Progress::new(&plan, &states, parallel, json);
    progress.pass_over(runs.iter().flat_map(idle).map(|(_, sentence)| sentence));
    let ended = local::run(dir, &plan, &states, parallel, &stop, &mut progress);
    progress.finish();
    let ended = ended?;
    if ended.stopped {
        crate::terminal::tell!("stopped and saved; the same command goes on");
        return Ok(ExitCode::SUCCESS);
    }
    let code = conclude(dir, &plan, json)?;
    drop(lock);
    match ended.failed.iter().next() {
        None => Ok(code),
        Some((name, message)) => {
            Err(Failure::Work(format!("{} of {} runs failed; {name}: {message}", ended.failed.len(), plan.runs.len())))
        }
    }
}

/// One run of a comparison, for an engine that starts each where it likes.
fn task_alone(dir: &Path, plan: &Plan, name: &str) -> Result<ExitCode, Failure> {
    let line = plan.runs.iter().find(|line| line.name == name);
    let line = line.ok_or_else(|| Failure::Request(format!("--task {name}: the plan in {} has no such run", dir.display())))?;
    let stop = driver::stop_flag()?;
    let tethers = Arc::new(Tethers::new());
    let cut = Arc::clone(&tethers);
    thread::spawn(move || {
        while !stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(100));
        }
        cut.cut();
    });
    let mut tell = |event: &Event| match event {
        Event::Epoch(epoch) => crate::terminal::say!("{name}: epoch {} of {}", epoch.epoch, line.epochs),
        Event::Warning { message } => crate::terminal::say!("{name}: warning: {message}"),
        _ => {}
    };
    match task::execute((dir, plan), line, &tethers, &mut tell)? {
        Outcome::Failed(message) => Err(Failure::Work(format!("{name}: {message}"))),
        Outcome::Done => {
            crate::terminal::say!("{name}: done");
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Stopped => {
            crate::terminal::say!("{name}: stopped and saved");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Advances a comparison on SLURM: submits the missing runs, and gathers the results when all are done, or at once without `wait`.
fn on_slurm(dir: &Path, plan: &Plan, mut jobs: Jobs, (asked, wait, json): (bool, bool, bool)) -> Result<ExitCode, Failure> {
    let mut told = Instant::now();
    let mut first = true;
    loop {
        let standing = {
            let _lock = claim(dir)?;
            slurm::advance(dir, plan, &mut jobs, asked && first)?
        };
        tell_standing(&standing, &mut told, first, json);
        let left = !standing.queued.is_empty() || !standing.submitted.is_empty();
        if left && wait {
            first = false;
            thread::sleep(LOOK_EVERY);
            continue;
        }
        if left && asked {
            if !json {
                crate::terminal::say!("`gairat compare --collect {}` gathers; --wait waits for it", dir.display());
            }
            return Ok(ExitCode::SUCCESS);
        }
        let code = conclude(dir, plan, json)?;
        return match standing.given_up.iter().next() {
            None => Ok(code),
            Some((name, why)) => {
                let count = standing.given_up.len();
                Err(Failure::Work(format!("{count} of {} runs were given up; {name}: {why}", plan.runs.len())))
            }
        };
    }
}

/// Tells what was submitted and, now and then, what the queue says.
fn tell_standing(standing: &Standing, told: &mut Instant, first: bool, json: bool) {
    let events = standing.submitted.iter().map(|(name, why)| ("run_submitted", name, why));
    if json {
        for (event, name, why) in events {
            crate::terminal::say!("{}", serde_json::json!({ "event": event, "name": name, "why": why }));
        }
        return;
    }
    let new = standing.submitted.values().filter(|why| *why == "new").count();
    if new > 0 {
        crate::terminal::say!("submitted {new} runs");
    }
    for (_, name, why) in events.filter(|(.., why)| *why != "new") {
        crate::terminal::say!("{name}: submitted again: {why}");
    }
    if first || told.elapsed() >= TELL_EVERY {
        *told = Instant::now();
        for (name, state) in &standing.queued {
            crate::terminal::say!("{name}: {state}");
        }
    }
}

/// What is to be compared.
fn grid(matches: &ArgMatches) -> Result<Grid, GridError> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str).unwrap_or_default();
    let vary = matches.get_many::<String>("vary").into_iter().flatten().map(|text| varied(text));
    Ok(Grid {
        methods: text("methods").split(',').map(|name| name.trim().to_owned()).collect(),
        vary: vary.collect::<Result<_, _>>()?,
        seeds: seeds(text("seeds"))?,
        given: given(matches, keeps).into_iter().map(|(name, text)| (name, text.to_owned())).collect(),
    })
}

/// Looks at the data and networks of all runs, so that nothing begins that cannot end; how many threads a run gets.
fn check(runs: &[Run]) -> Result<usize, Failure> {
    let mut loaded = None;
    let mut threads = 1;
    for run in runs {
        let plan = run.settings.checked()?;
        if loaded.as_ref().is_none_or(|(request, _)| *request != plan.request) {
            let dataset = dataset::load(&plan.request)?;
            loaded = Some((plan.request.clone(), (dataset.shape, dataset.classes)));
        }
        let Some((_, (shape, classes))) = loaded else { continue };
        let model = run.settings.model.resolve(shape);
        model.accepts(shape, classes)?;
        // A batch of a perceptron is a handful of tiles: runs beside each other use the cores better than threads of one.
        let few = matches!(model, ModelSpec::Mlp(_)) && run.settings.threads == 0;
        threads = threads.max(if few { 1 } else { driver::threads_for(run.settings.threads, &model, 0) });
    }
    Ok(threads)
}

/// Why settings that were asked for have no effect, a sentence for each run and setting.
fn idle(run: &Run) -> Vec<(&'static str, String)> {
    let of = |name: &'static str| run.settings.without_effect(name).map(|sentence| (name, sentence));
    run.given.iter().filter_map(|(name, _)| of(name)).collect()
}

/// Settings that were asked for and have no effect in any run, each sentence once: one that matters to some methods is meant for those.
fn idle_in_all(runs: &[Run]) -> Vec<String> {
    let all: Vec<Vec<(&str, String)>> = runs.iter().map(idle).collect();
    let in_all = |name: &str| all.iter().all(|run| run.iter().any(|(idle, _)| *idle == name));
    all.first().into_iter().flatten().filter(|(name, _)| in_all(name)).map(|(_, sentence)| sentence.clone()).collect()
}

/// How many runs fit beside each other.
fn parallel(plan: &Plan) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if plan.cpu { (cores / plan.threads.max(1)).max(1) } else { 1 }
}

/// Makes the folder where it is not there, for one comparison at a time.
fn claim(dir: &Path) -> Result<files::Lock, Failure> {
    let failed = |error: std::io::Error| Failure::Request(format!("--out {}: {error}", dir.display()));
    files::create_dir_all(&task::folder_of(dir)).map_err(|error| {
        Failure::Request(format!("--out {}: the folder cannot be made ({error}); choose another one", dir.display()))
    })?;
    files::lock(&dir.join(LOCK))
        .map_err(failed)?
        .ok_or_else(|| Failure::Request(format!("--out {}: another comparison is at work in this folder", dir.display())))
}

/// Gathers what there is, writes and prints it.
fn conclude(dir: &Path, plan: &Plan, json: bool) -> Result<ExitCode, Failure> {
    let gathered = gather(dir, plan)?;
    tables::write(dir, plan, &gathered)?;
    if json {
        crate::terminal::say!("{}", tables::line(plan, &gathered));
    } else {
        tables::print(plan, &gathered);
        crate::terminal::say!(
            "\nreport     {}/report.html; also table.csv, .md, .tex, .json, runs.csv and figures/",
            dir.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

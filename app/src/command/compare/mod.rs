//! `gairat compare`: methods × settings × seeds, each a run that goes on where it was, and the table of what they come to.

mod gather;
mod local;
mod plan;
mod progress;
mod tables;
mod task;
mod words;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use gairat::{
    compare::{Grid, GridError, Run, seeds, varied},
    dataset, device,
    evaluate::Suite,
    files,
    model::ModelSpec,
    settings::Field,
};

use self::{
    gather::gather,
    plan::{Plan, State},
    progress::Progress,
};
use super::{given, json_arg, settings_args};
use crate::{driver, failure::Failure, run_folders};

/// The file that a comparison at work holds.
const LOCK: &str = "compare.lock";

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
            text("collect", "DIR", "Only gather what the comparison in this folder has come to")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with_all(["methods", "seeds", "vary", "suite", "parallel", "out"]),
        )
        .arg(json_arg())
        .args(settings_args(keeps))
}

pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let json = matches.get_flag("json");
    if let Some(dir) = matches.get_one::<PathBuf>("collect") {
        let plan = Plan::read(dir)?;
        return conclude(dir, &plan, json);
    }
    let Some(dir) = matches.get_one::<PathBuf>("out") else {
        // clap has asked for it.
        return Ok(ExitCode::FAILURE);
    };
    let runs = grid(matches)?.runs()?;
    let name = matches.get_one::<String>("suite").map_or(Suite::QUICK.name, String::as_str);
    let suite = Suite::named(name).map_err(|problem| Failure::Request(format!("--suite: {problem}")))?;
    let threads = check(&runs)?;
    let cpu = pollster::block_on(device::choose(&runs[0].settings.device))?.cpu;
    for run in &runs {
        run_folders::same_run(&dir.join(&run.name), &run.settings)?;
    }
    let plan = Plan::of(&runs, dir, suite, threads, cpu)?;
    let _lock = claim(dir)?;
    plan.write(dir)?;
    for message in warnings(&runs) {
        anstream::eprintln!("warning: {message}");
    }
    let states = plan.runs.iter().map(|line| line.state(dir, &plan.suite)).collect::<Result<Vec<State>, _>>()?;
    let parallel = matches.get_one::<u16>("parallel").map_or_else(|| parallel(&plan), |asked| usize::from(*asked));
    let stop: Arc<AtomicBool> = driver::stop_flag()?;
    let mut progress = Progress::new(&plan, &states, parallel, json);
    let ended = local::run(dir, &plan, &states, parallel, &stop, &mut progress);
    progress.finish();
    let ended = ended?;
    if ended.stopped {
        anstream::eprintln!("stopped and saved; the same command goes on");
        return Ok(ExitCode::SUCCESS);
    }
    let code = conclude(dir, &plan, json)?;
    match ended.failed.iter().next() {
        None => Ok(code),
        Some((name, message)) => {
            Err(Failure::Work(format!("{} of {} runs failed; {name}: {message}", ended.failed.len(), plan.runs.len())))
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

/// What is allowed in these runs and probably not meant, each sentence once. What a run says by itself is left to it.
fn warnings(runs: &[Run]) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    for run in runs {
        let told = run.settings.warnings();
        let idle = run.given.iter().filter_map(|(name, _)| run.settings.without_effect(name));
        for sentence in idle.filter(|sentence| !told.contains(sentence)) {
            if !warnings.contains(&sentence) {
                warnings.push(sentence);
            }
        }
    }
    warnings
}

/// How many runs fit beside each other.
fn parallel(plan: &Plan) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if plan.cpu { (cores / plan.threads.max(1)).max(1) } else { 1 }
}

/// Makes the folder where it is not there, for one comparison at a time.
fn claim(dir: &Path) -> Result<files::Lock, Failure> {
    let failed = |error: std::io::Error| Failure::Request(format!("--out {}: {error}", dir.display()));
    files::create_dir_all(&task::folder_of(dir)).map_err(failed)?;
    files::lock(&dir.join(LOCK))
        .map_err(failed)?
        .ok_or_else(|| Failure::Request(format!("--out {}: another comparison is at work in this folder", dir.display())))
}

/// Gathers what there is, writes and prints it.
fn conclude(dir: &Path, plan: &Plan, json: bool) -> Result<ExitCode, Failure> {
    let gathered = gather(dir, plan)?;
    tables::write(dir, plan, &gathered)?;
    if json {
        anstream::println!("{}", tables::line(plan, &gathered));
    } else {
        tables::print(plan, &gathered);
        anstream::println!("\nreport     {}/report.html; also table.csv, .md, .tex, .json, runs.csv and figures/", dir.display());
    }
    Ok(ExitCode::SUCCESS)
}

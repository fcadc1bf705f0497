//! The runs of a comparison: every method with every value that is varied and every seed.

use crate::settings::{Settings, SettingsError, field, fields};

/// The most runs of a comparison; more are probably a typing error.
const MOST: usize = 10_000;

/// Why a comparison is invalid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GridError {
    /// A setting of one of its runs is wrong.
    #[error(transparent)]
    Setting(#[from] SettingsError),
    /// The seeds are invalid.
    #[error("seeds: {0}")]
    Seeds(String),
    /// A varied setting is invalid.
    #[error("vary: {0}")]
    Vary(String),
    /// The list of methods is invalid.
    #[error("methods: {0}")]
    Methods(String),
}

/// The methods, settings and seeds of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// Names of methods; the first is the baseline of differences.
    pub methods: Vec<String>,
    /// Varied settings and their values, used in every combination: see [`varied`].
    pub vary: Vec<(&'static str, Vec<String>)>,
    /// Keys of initial weights, order and attack starts: see [`seeds`].
    pub seeds: Vec<u64>,
    /// Settings of all runs. A method's parameter applies to the methods that have it.
    pub given: Vec<(&'static str, String)>,
}

/// One run of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// A name that a folder can have: `gairat_lambda=-1_seed0`.
    pub name: String,
    /// Its variant, which is compared with others of the same seed: `gairat lambda=-1`.
    pub variant: String,
    /// Its seed.
    pub seed: u64,
    /// The given settings by name, in the order of the table of settings.
    pub given: Vec<(&'static str, String)>,
    /// All its settings.
    pub settings: Settings,
}

/// Seeds from text: `0-4`, `1,2,7` or both.
///
/// # Errors
/// [`GridError::Seeds`] with what was found and what was expected.
pub fn seeds(text: &str) -> Result<Vec<u64>, GridError> {
    let wrong = |part: &str| {
        GridError::Seeds(format!("`{part}` is no seed and no range of seeds: expected whole numbers such as 0-4 or 1,2,7"))
    };
    let mut seeds = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let (low, high): (u64, u64) =
            (low.trim().parse().map_err(|_| wrong(part))?, high.trim().parse().map_err(|_| wrong(part))?);
        if low > high {
            return Err(wrong(part));
        }
        if high - low >= MOST as u64 {
            return Err(GridError::Seeds(format!("`{part}` are more than {MOST} seeds; give fewer")));
        }
        for seed in low..=high {
            if seeds.contains(&seed) {
                return Err(GridError::Seeds(format!("{seed} is given twice; give each seed once")));
            }
            seeds.push(seed);
        }
    }
    Ok(seeds)
}

/// A setting and its values, from text: `lambda=-2,-1,0`. Semicolons separate values that contain commas: `model=mlp:64,64;mlp:128,128`.
///
/// # Errors
/// [`GridError::Vary`] with what was found and what was expected.
pub fn varied(text: &str) -> Result<(&'static str, Vec<String>), GridError> {
    let expected = "expected SETTING=VALUE,VALUE,… such as lambda=-2,-1,0";
    let Some((name, values)) = text.split_once('=') else {
        return Err(GridError::Vary(format!("`{text}` names no values: {expected}")));
    };
    let name = name.trim().replace('-', "_");
    match name.as_str() {
        "method" => return Err(GridError::Vary("methods have a list of their own; name them there".to_owned())),
        "seed" => return Err(GridError::Vary("seeds have a list of their own; name them there".to_owned())),
        _ => {}
    }
    let Some(field) = field(&name) else {
        // The settings know which name is like it.
        let problem = Settings::default().set(&name, "").err().map(|error| error.to_string()).unwrap_or_default();
        return Err(GridError::Vary(problem));
    };
    let between = if values.contains(';') { ';' } else { ',' };
    let values: Vec<String> = values.split(between).map(|value| value.trim().to_owned()).collect();
    if values.iter().any(String::is_empty) {
        return Err(GridError::Vary(format!("`{text}` has an empty value: {expected}")));
    }
    if let Some(twice) = values.iter().enumerate().find(|(index, value)| values[..*index].contains(value)) {
        return Err(GridError::Vary(format!("{} takes {} twice; name each value once", field.name, twice.1)));
    }
    Ok((field.name, values))
}

impl Grid {
    /// All runs: by method, then by varied values, then by seed.
    ///
    /// # Errors
    /// [`GridError`], which covers every problem of any run.
    pub fn runs(&self) -> Result<Vec<Run>, GridError> {
        self.check()?;
        let mut runs = Vec::new();
        for method in &self.methods {
            for varied in self.combinations(method) {
                for &seed in &self.seeds {
                    runs.push(self.run(method, &varied, seed)?);
                }
            }
        }
        if runs.len() > MOST {
            return Err(GridError::Seeds(format!("these are {} runs; expected at most {MOST}", runs.len())));
        }
        Ok(runs)
    }

    /// Checks the lists.
    fn check(&self) -> Result<(), GridError> {
        if self.methods.is_empty() || self.methods.iter().any(String::is_empty) {
            return Err(GridError::Methods("there is an empty name: expected names such as at,gairat".to_owned()));
        }
        if self.seeds.is_empty() {
            return Err(GridError::Seeds("there are none: expected whole numbers such as 0-4 or 1,2,7".to_owned()));
        }
        for (index, method) in self.methods.iter().enumerate() {
            Settings::default().set("method", method)?;
            if self.methods[..index].contains(method) {
                return Err(GridError::Methods(format!("{method} is named twice; name each method once")));
            }
        }
        for (index, (name, _)) in self.vary.iter().enumerate() {
            if self.vary[..index].iter().any(|(other, _)| other == name) {
                return Err(GridError::Vary(format!("{name} is varied twice; give all its values at once")));
            }
            if self.given.iter().any(|(other, _)| other == name) {
                return Err(GridError::Vary(format!("{name} is given a value and varied as well; leave one out")));
            }
        }
        let names = self.vary.iter().map(|(name, _)| *name).chain(self.given.iter().map(|(name, _)| *name));
        for name in names {
            if !self.methods.iter().any(|method| has(method, name)) {
                // A parameter of other methods: the settings say of which.
                Settings::default().with("method", &self.methods[0]).set(name, "")?;
            }
        }
        Ok(())
    }

    /// All combinations of the varied settings that apply to `method`.
    fn combinations(&self, method: &str) -> Vec<Vec<(&'static str, String)>> {
        let mut all = vec![Vec::new()];
        for (name, values) in self.vary.iter().filter(|(name, _)| has(method, name)) {
            all = all
                .iter()
                .flat_map(|before: &Vec<(&'static str, String)>| {
                    values.iter().map(move |value| before.iter().cloned().chain([(*name, value.clone())]).collect())
                })
                .collect();
        }
        all
    }

    fn run(&self, method: &str, varied: &[(&'static str, String)], seed: u64) -> Result<Run, GridError> {
        let wanted: Vec<(&'static str, String)> = self
            .given
            .iter()
            .filter(|(name, _)| has(method, name))
            .chain(varied)
            .cloned()
            .chain([("method", method.to_owned()), ("seed", seed.to_string())])
            .collect();
        // The method stands before its parameters in the table, and the data, whose recipe the others change, before everything.
        let given: Vec<(&'static str, String)> =
            fields().iter().filter_map(|field| wanted.iter().find(|(name, _)| *name == field.name).cloned()).collect();
        let mut settings = Settings::default();
        if let Some((name, data)) = given.iter().find(|(name, _)| *name == "data") {
            settings.set(name, data)?;
            settings = Settings::recipe(settings.data);
        }
        for (name, text) in &given {
            settings.set(name, text)?;
        }
        settings.checked()?;
        let label = |between: &str| {
            let values = varied.iter().map(|(name, value)| format!("{between}{}={value}", name.replace('_', "-")));
            format!("{method}{}", values.collect::<String>())
        };
        let name = format!("{}_seed{seed}", label("_"));
        let name = name.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect();
        Ok(Run { name, variant: label(" "), seed, given, settings })
    }
}

/// Whether file names may contain the letter on every system.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-=.,+".contains(letter)
}

/// Whether the setting `name` applies to `method`.
fn has(method: &str, name: &str) -> bool {
    field(name).is_some_and(|field| field.methods.is_empty() || field.methods.contains(&method))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(methods: &str, vary: &[&str]) -> Grid {
        Grid {
            methods: methods.split(',').map(str::to_owned).collect(),
            vary: vary.iter().map(|text| varied(text).unwrap()).collect(),
            seeds: vec![0, 1],
            given: vec![("epochs", "5".to_owned())],
        }
    }

    #[test]
    fn every_method_meets_every_value_that_concerns_it_and_every_seed() {
        let runs = grid("at,gairat", &["lambda=-1,0", "epsilon=0.02,8/255"]).runs().unwrap();
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(runs.len(), (2 + 2 * 2) * 2, "λ is none of plain adversarial training");
        assert_eq!(names[0], "at_epsilon=0.02_seed0");
        assert_eq!(names[3], "at_epsilon=8-255_seed1");
        assert_eq!(runs[11].variant, "gairat lambda=0 epsilon=8/255");
        assert!(runs.iter().all(|run| run.settings.epochs == 5));
        assert_eq!(runs[11].settings.get("lambda").as_deref(), Some("0"));
        assert_eq!(runs[4].settings.get("lambda").as_deref(), Some("-1"));
    }

    #[test]
    fn the_data_bring_their_recipe_whichever_run_they_are_of() {
        let mut grid = grid("at", &["data=moons,digits"]);
        grid.given = vec![("lr", "0.07".to_owned())];
        let runs = grid.runs().unwrap();
        let values: Vec<(f64, u32)> = runs.iter().map(|run| (run.settings.lr, run.settings.epochs)).collect();
        assert_eq!(values, [(0.07, 80), (0.07, 80), (0.07, 60), (0.07, 60)]);
    }

    #[test]
    fn seeds_and_values_are_read_or_refused_with_what_was_expected() {
        assert_eq!(seeds("0-2, 7").unwrap(), [0, 1, 2, 7]);
        for text in ["", "a", "3-1", "-1", "1,,2", "0-99999999", "1,0-2"] {
            assert!(matches!(seeds(text), Err(GridError::Seeds(_))), "{text}");
        }
        assert_eq!(varied("step-size=0.1,0.2").unwrap(), ("step_size", vec!["0.1".to_owned(), "0.2".to_owned()]));
        assert_eq!(varied("model=mlp:8,8;mlp:16").unwrap().1, ["mlp:8,8", "mlp:16"]);
        for (text, part) in [
            ("lambda", "names no values"),
            ("lambda=", "empty"),
            ("lambda=1,1", "twice"),
            ("method=at", "list of their own"),
            ("seed=1", "list of their own"),
            ("lambd=1", "did you mean `lambda`"),
        ] {
            assert!(varied(text).unwrap_err().to_string().contains(part), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_any_run_is_found_before_the_first() {
        let refused = |grid: Grid| grid.runs().unwrap_err().to_string();
        assert!(refused(grid("at,trade", &[])).contains("`trades`"));
        assert!(refused(grid("at,at", &[])).contains("twice"));
        assert!(refused(grid("", &[])).contains("empty"));
        assert!(refused(grid("at", &["lambda=1"])).contains("gairat"));
        assert!(refused(grid("gairat", &["lambda=1", "lambda=2"])).contains("varied twice"));
        assert!(refused(grid("gairat", &["epochs=1,2"])).contains("as well"));
        assert!(refused(grid("at,gairat", &["epsilon=0.1,2"])).contains("0 to 1"));
        assert!(refused(Grid { seeds: Vec::new(), ..grid("at", &[]) }).contains("none"));
    }
}

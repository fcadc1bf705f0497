//! Everything that can be done, once: the menu, the palette, shortcuts, tooltips and tests all read this list.

use egui::{Key, KeyboardShortcut, Modifiers};

use crate::{lesson::LESSONS, platform::IN_BROWSER};

/// Something that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    PlayOrPause,
    OneBatch,
    AttackStep,
    SlowMotion,
    Slower,
    Faster,
    Restart,
    Rewind,
    Twin,
    Judge,
    StopJudging,
    Difference,
    SelectNext,
    SelectPrevious,
    Deselect,
    ScrubForward,
    ScrubBack,
    PlayAttack,
    ResetView,
    Quantity,
    ShowNatural,
    ShowAdversarial,
    ShowSteps,
    ShowRegions,
    Draw,
    Brush(u8),
    Eraser,
    AddNoise,
    ClearPoints,
    TrainOnDrawing,
    Undo,
    Redo,
    Open,
    SavedRuns,
    Save,
    SaveSettings,
    CopyLink,
    BuildLink,
    ExportFigures,
    Palette,
    Help,
    Lesson(u8),
    Theme,
    LargerText,
    SmallerText,
    ReducedMotion,
    Projector,
    SettingsDrawer,
    InspectorDrawer,
    Quit,
}

/// What the menu groups actions by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Menu {
    Run,
    Look,
    Draw,
    File,
    Learn,
    Window,
}

impl Menu {
    pub(crate) const ALL: [Self; 6] = [Self::File, Self::Run, Self::Look, Self::Draw, Self::Learn, Self::Window];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Look => "Look",
            Self::Draw => "Draw",
            Self::File => "File",
            Self::Learn => "Lessons",
            Self::Window => "Window",
        }
    }
}

/// What is known of an action.
struct About {
    menu: Menu,
    name: &'static str,
    doc: &'static str,
    keys: Option<KeyboardShortcut>,
}

const fn key(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::NONE, key))
}

const fn command(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::COMMAND, key))
}

impl Action {
    /// All of them but the lessons, which have a list of their own, in the order of the menus.
    const OWN: [Self; 58] = [
        Self::Open,
        Self::SavedRuns,
        Self::Save,
        Self::SaveSettings,
        Self::CopyLink,
        Self::BuildLink,
        Self::ExportFigures,
        Self::Quit,
        Self::PlayOrPause,
        Self::OneBatch,
        Self::AttackStep,
        Self::SlowMotion,
        Self::Slower,
        Self::Faster,
        Self::Restart,
        Self::Rewind,
        Self::Twin,
        Self::Judge,
        Self::StopJudging,
        Self::Difference,
        Self::SelectNext,
        Self::SelectPrevious,
        Self::Deselect,
        Self::ScrubForward,
        Self::ScrubBack,
        Self::PlayAttack,
        Self::ResetView,
        Self::Quantity,
        Self::ShowNatural,
        Self::ShowAdversarial,
        Self::ShowSteps,
        Self::ShowRegions,
        Self::Draw,
        Self::Brush(0),
        Self::Brush(1),
        Self::Brush(2),
        Self::Brush(3),
        Self::Brush(4),
        Self::Brush(5),
        Self::Brush(6),
        Self::Brush(7),
        Self::Brush(8),
        Self::Eraser,
        Self::AddNoise,
        Self::ClearPoints,
        Self::TrainOnDrawing,
        Self::Undo,
        Self::Redo,
        Self::Palette,
        Self::Help,
        Self::Theme,
        Self::LargerText,
        Self::SmallerText,
        Self::ReducedMotion,
        Self::Projector,
        Self::SettingsDrawer,
        Self::InspectorDrawer,
        Self::Brush(9),
    ];

    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let lessons = (0..LESSONS.len()).filter_map(|number| u8::try_from(number).ok()).map(Self::Lesson);
        Self::OWN.into_iter().chain(lessons)
    }

    /// Those that can be done here: a tab is closed by its browser, which has what runs wrote that are not open.
    pub(crate) fn here() -> impl Iterator<Item = Self> {
        Self::all().filter(|action| !IN_BROWSER || !matches!(action, Self::Quit | Self::SavedRuns))
    }

    /// Where the menu has it.
    pub(crate) fn menu(self) -> Menu {
        self.about().menu
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        self.about().name
    }

    /// What it does, in a sentence: its tooltip.
    pub(crate) fn doc(self) -> &'static str {
        self.about().doc
    }

    /// Its keys.
    pub(crate) fn keys(self) -> Option<KeyboardShortcut> {
        // The text of a page is made larger by its browser, with these keys.
        let of_the_browser = IN_BROWSER && matches!(self, Self::LargerText | Self::SmallerText);
        self.about().keys.filter(|_| !of_the_browser)
    }

    fn about(self) -> About {
        use Menu::{Draw, File, Learn, Look, Run, Window};
        let (menu, name, doc, keys) = match self {
            Self::PlayOrPause => (Run, "Play or pause", "Train, or stop between two batches", key(Key::Space)),
            Self::OneBatch => (Run, "One batch", "Attack, weigh and learn from the next batch, then pause", key(Key::Period)),
            Self::AttackStep => (
                Run,
                "One attack step",
                "Move the next batch by one step of its attack; after the last it is learned from",
                key(Key::Comma),
            ),
            Self::SlowMotion => {
                (Run, "Slow motion", "Watch batch after batch being attacked step by step, and learned from", key(Key::L))
            }
            Self::Slower => (Run, "Slower", "Fewer batches a second", key(Key::OpenBracket)),
            Self::Faster => (Run, "Faster", "More batches a second", key(Key::CloseBracket)),
            Self::Restart => {
                (Run, "Start again", "Start a new run with the settings on the left; the old one is kept", key(Key::R))
            }
            Self::Rewind => (Run, "Rewind…", "Go on from the end of an earlier epoch, in a run of its own", key(Key::B)),
            Self::Twin => (
                Run,
                "Twin run",
                "Train a second run beside this one, from the same seed; the settings say with which method",
                key(Key::W),
            ),
            Self::Judge => (
                Run,
                "Judge",
                "Run a suite of attacks on the networks as they are, and take the worst for every test sample",
                key(Key::J),
            ),
            Self::StopJudging => (Run, "Stop judging", "Give up the suite that is at work, and go on with the run", None),
            Self::Difference => {
                (Look, "Difference of the twins", "Show where the regions and the weights of the two runs differ", key(Key::F))
            }
            Self::SelectNext => (Look, "Next sample", "Select the next training sample", key(Key::ArrowDown)),
            Self::SelectPrevious => (Look, "Previous sample", "Select the training sample before", key(Key::ArrowUp)),
            Self::Deselect => (Look, "Select nothing", "Close what is open, or select no sample", key(Key::Escape)),
            Self::ScrubForward => {
                (Look, "Attack step forward", "Look at the next step of the attack on the selected sample", key(Key::ArrowRight))
            }
            Self::ScrubBack => (Look, "Attack step back", "Look at the step before", key(Key::ArrowLeft)),
            Self::PlayAttack => (Look, "Play the attack", "Let the attack on the selected sample run, step by step", key(Key::P)),
            Self::ResetView => (Look, "Whole picture", "Undo zoom and shift of the stage", key(Key::Num0)),
            Self::Quantity => (Look, "Probability or margin", "What the shades of the regions say", key(Key::M)),
            Self::ShowNatural => (Look, "Natural points", "Show the data as they are", None),
            Self::ShowAdversarial => (Look, "Adversarial points", "Show where the attack moved them", None),
            Self::ShowSteps => (Look, "Way between them", "Show a line from each point to its adversarial partner", None),
            Self::ShowRegions => (Look, "Regions", "Show what the network answers all over the plane", None),
            Self::Draw => (Draw, "Draw points", "Change the points by hand: drag to add, right drag to erase", key(Key::D)),
            Self::Brush(class) => {
                const NAMES: [&str; 10] = [
                    "Brush: class 1",
                    "Brush: class 2",
                    "Brush: class 3",
                    "Brush: class 4",
                    "Brush: class 5",
                    "Brush: class 6",
                    "Brush: class 7",
                    "Brush: class 8",
                    "Brush: class 9",
                    "Brush: class 10",
                ];
                const KEYS: [Key; 9] =
                    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
                let place = usize::from(class).min(9);
                (Draw, NAMES[place], "Draw points of this class", KEYS.get(place).copied().and_then(key))
            }
            Self::Eraser => (Draw, "Eraser", "Take points away", key(Key::E)),
            Self::AddNoise => (Draw, "Add noise", "Shift every drawn point a little", None),
            Self::ClearPoints => (Draw, "Clear points", "Take all points away", None),
            Self::TrainOnDrawing => (Draw, "Train on the drawing", "Start a new run on the points as drawn", command(Key::Enter)),
            Self::Undo => (Draw, "Undo", "Take back the last stroke", command(Key::Z)),
            Self::Redo => (Draw, "Redo", "Do it again", command(Key::Y)),
            Self::Open => (File, "Open…", "Go on with a saved run, or take settings from a file", command(Key::O)),
            Self::SavedRuns => {
                (File, "Runs…", "Compare saved runs in a table, draw their curves together, or open one", key(Key::C))
            }
            Self::Save => (File, "Save", "Save the run now, so that it can be resumed from this batch", command(Key::S)),
            Self::SaveSettings => (File, "Save settings…", "Write the settings to a file", None),
            Self::CopyLink => {
                (File, "Copy link", "Copy a link that opens with these settings, here or in the page", command(Key::L))
            }
            Self::BuildLink => (File, "Link for a class…", "Make a link that hides or locks what should not be touched", None),
            Self::ExportFigures if IN_BROWSER => {
                (File, "Export figures", "Download figures of the runs for a paper, as SVG and CSV in a .zip", None)
            }
            Self::ExportFigures => {
                (File, "Export figures", "Write figures of the runs for a paper into the run's folder, as SVG, PNG and CSV", None)
            }
            Self::Palette => (Window, "All commands…", "Find a command by its name", command(Key::K)),
            Self::Help => (Window, "Keys and marks", "What the keys do and what the marks mean", key(Key::Questionmark)),
            Self::Lesson(number) => {
                let lesson = LESSONS[usize::from(number).min(LESSONS.len() - 1)];
                (Learn, lesson.title, lesson.about, None)
            }
            Self::Theme => (Window, "Dark, light or system", "Change the colours", key(Key::T)),
            Self::LargerText => (Window, "Larger text", "Make everything larger", command(Key::Plus)),
            Self::SmallerText => (Window, "Smaller text", "Make everything smaller", command(Key::Minus)),
            Self::ReducedMotion => (Window, "Reduced motion", "Nothing moves that need not", None),
            Self::Projector => {
                (Window, "Projector", "Large text and no settings, for a room that looks on; again to leave it", None)
            }
            Self::SettingsDrawer => (Window, "Settings", "Show or hide the settings", key(Key::S)),
            Self::InspectorDrawer => (Window, "Inspector", "Show or hide the inspector", key(Key::I)),
            Self::Quit => (File, "Quit", "Save the run and close the window", command(Key::Q)),
        };
        About { menu, name, doc, keys }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_action_is_listed_once_with_a_name_and_keys_of_its_own() {
        let all: Vec<Action> = Action::all().collect();
        let actions: HashSet<Action> = all.iter().copied().collect();
        assert_eq!(actions.len(), all.len());
        let names: HashSet<&str> = all.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), all.len());
        let keys: Vec<KeyboardShortcut> = all.iter().filter_map(|action| action.keys()).collect();
        let different: HashSet<KeyboardShortcut> = keys.iter().copied().collect();
        assert_eq!(different.len(), keys.len());
        assert!(all.iter().all(|action| !action.doc().is_empty()));
    }
}

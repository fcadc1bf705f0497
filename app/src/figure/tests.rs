use std::io::Cursor;

use gairat::{evaluate::CurvePoint, metrics::EpochMetrics, settings::Settings};

use super::*;
use crate::report::{figures::named, raster};

/// A run of three epochs with something of everything; the larger `place`, the better it is.
fn subject(place: u32, image: bool) -> Subject {
    let better = 0.05 * f64::from(place);
    let epoch = |epoch: u32| {
        let accuracy = |at: f64| Some(at + better + 0.1 * f64::from(epoch));
        let more = [("validation_natural", accuracy(0.5)), ("validation_pgd20", accuracy(0.3))];
        let more = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let (loss, effective) = (1.0 / f64::from(epoch), Some(0.5));
        EpochMetrics { epoch, lr: 0.1, loss, train_robust: 0.4, mean_kappa: 3.0 + better, effective, more }
    };
    let count = 40;
    let number = |place: usize| place as f64 / count as f64;
    let samples = Measured {
        row: (0..count as u32).collect(),
        kappa: (0..count).map(|place| (place % 11) as f64).collect(),
        weight: (0..count).map(|place| 2.0 - (place % 11) as f64 / 5.0).collect(),
        margin_start: (0..count).map(|place| number(place) + better).collect(),
        margin_adversarial: (0..count).map(|place| number(place) - 0.5).collect(),
        depends_on: (0..count).map(|place| (place % 11) as f64).collect(),
    };
    let shape = if image { (1, 8, 8) } else { (1, 1, 2) };
    let numbers = shape.1 * shape.2;
    let shown = |place: usize| Shown {
        row: place as u32,
        label: (place % 2) as u32,
        natural: (0..numbers).map(|at| ((place + at) % 10) as f32 / 10.0).collect(),
        adversarial: (0..numbers).map(|at| ((place + at) % 10) as f32 / 10.0 + 0.04).collect(),
        broken: place.is_multiple_of(2),
        before: Some(((place % 2) as u32, 0.75)),
        after: Some((1, 0.625)),
        kappa: Some(3),
        weight: 1.5,
    };
    let regions = if image { (0, 0, Vec::new()) } else { (4, 4, [0.0, 0.9, 1.0, 0.6].repeat(8)) };
    let point = |epsilon: f32, robust: f64| CurvePoint { epsilon, robust, interval: (robust - 0.05, robust + 0.05) };
    Subject {
        label: format!("run {place}"),
        settings: Settings::default().with("seed", &place.to_string()),
        epochs: (1..=3).map(epoch).collect(),
        summary: None,
        samples,
        radii: vec![Radii {
            by: "trust".to_owned(),
            norm: "L∞".to_owned(),
            points: vec![point(0.0, 0.9), point(0.1, 0.5 + better)],
        }],
        scene: Some(Scene { classes: 2, shape, regions, samples: (0..count).map(shown).collect() }),
    }
}

#[test]
fn every_figure_is_drawn_of_one_run_and_of_several_in_three_formats() {
    for runs in [1, 2, 4] {
        for image in [false, true] {
            let subjects: Vec<Subject> = (0..runs).map(|place| subject(place, image)).collect();
            let figures = all(&subjects, Ink::Paper);
            let names: Vec<&str> = figures.iter().map(|figure| figure.name).collect();
            let left_out = if image { "stage" } else { "images" };
            assert_eq!(names, FIGURES.iter().map(|kind| kind.name).filter(|name| *name != left_out).collect::<Vec<_>>());
            for figure in figures {
                let svg = figure.drawing.svg();
                assert!(svg.starts_with("<svg") && svg.contains("#ffffff"), "{}: white paper", figure.name);
                for part in ["NaN", "inf\"", "<script", "currentColor", "var("] {
                    assert!(!svg.contains(part), "{}: {part}", figure.name);
                }
                let columns = figure.csv.lines().next().unwrap().matches(',').count();
                assert!(columns >= 2 && figure.csv.lines().count() > 2, "{}: {}", figure.name, figure.csv);
                if runs > 1 {
                    let named = |text: &str| (0..runs).all(|place| text.contains(&format!("run {place}")));
                    assert!(named(&svg) && named(&figure.csv), "{}: every run is named", figure.name);
                }
            }
        }
    }
}

#[test]
fn a_png_has_two_pixels_for_each_of_the_drawing_and_the_same_bytes_every_time() {
    for figure in all(&[subject(0, false)], Ink::Paper).into_iter().chain(all(&[subject(0, true)], Ink::Paper)) {
        let bytes = raster::png(&figure.drawing).unwrap();
        assert_eq!(bytes, raster::png(&figure.drawing).unwrap(), "{}", figure.name);
        let mut reader = png::Decoder::new(Cursor::new(&bytes)).read_info().unwrap();
        let (width, height) = figure.drawing.size;
        let info = reader.info();
        assert_eq!(
            (f64::from(info.width), f64::from(info.height)),
            ((2.0 * width).ceil(), (2.0 * height).ceil()),
            "{}",
            figure.name
        );
        let dots = info.pixel_dims.unwrap();
        assert_eq!((dots.xppu, dots.unit), (7559, png::Unit::Meter), "192 dots an inch, for a size on paper");
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let dark = pixels.chunks_exact(3).filter(|pixel| pixel.iter().all(|channel| *channel < 90)).count();
        assert!(dark > 300, "{}: letters and axes are there ({dark} dark pixels)", figure.name);
        assert_eq!(&pixels[..3], [255, 255, 255], "{}: on white", figure.name);
    }
}

#[test]
fn regions_lie_below_the_points_and_images_are_drawn_pixel_by_pixel() {
    let pixel = |drawing: &Drawing, x: f64, y: f64| {
        let bytes = raster::png(drawing).unwrap();
        let mut reader = png::Decoder::new(Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let at = 3 * ((2.0 * y) as usize * info.width as usize + (2.0 * x) as usize);
        (pixels[at], pixels[at + 1], pixels[at + 2])
    };
    let mut one = subject(0, true);
    one.scene.as_mut().unwrap().samples.truncate(1);
    let images = named("images").unwrap().draw(&[one.clone()], Ink::Paper).unwrap().drawing;
    let (x, y, width, height) = images.pictures[0].at;
    let natural = &one.scene.as_ref().unwrap().samples[0].natural;
    for place in [0, 9, 37, 63] {
        let at = (x + width * ((place % 8) as f64 + 0.5) / 8.0, y + height * ((place / 8) as f64 + 0.5) / 8.0);
        let byte = (255.0 * natural[place]).round() as u8;
        assert_eq!(pixel(&images, at.0, at.1), (byte, byte, byte), "pixel {place}");
    }
    let mut stage = subject(0, false);
    stage.scene.as_mut().unwrap().samples.truncate(1);
    let drawing = named("stage").unwrap().draw(&[stage], Ink::Paper).unwrap().drawing;
    let (x, y, width, height) = drawing.pictures[0].at;
    let (red, _, blue) = pixel(&drawing, x + 0.9 * width, y + 0.55 * height);
    assert!((red, blue) != (255, 255), "a region has its colour");
}

#[test]
fn runs_without_anything_give_no_figure_and_no_panic() {
    assert!(all(&[Subject::default()], Ink::Paper).is_empty());
    assert!(all(&[], Ink::Paper).is_empty());
    let mut odd = subject(0, false);
    odd.samples.weight = vec![f64::NAN; odd.samples.weight.len()];
    odd.samples.margin_start = vec![f64::INFINITY; odd.samples.margin_start.len()];
    odd.epochs.iter_mut().for_each(|epoch| epoch.loss = f64::NAN);
    for figure in all(&[odd], Ink::Paper) {
        assert!(!figure.drawing.svg().contains("NaN"), "{}", figure.name);
    }
}

#[test]
fn runs_get_names_that_tell_them_apart() {
    let of = |method: &str, seed: &str| Subject {
        settings: Settings::default().with("method", method).with("seed", seed),
        ..Subject::default()
    };
    let labels = |mut subjects: Vec<Subject>| {
        name_apart(&mut subjects);
        subjects.into_iter().map(|subject| subject.label).collect::<Vec<_>>()
    };
    let two = labels(vec![of("at", "0"), of("gairat", "0")]);
    assert!(two[0] != two[1] && !two[0].contains("seed"), "{two:?}");
    assert!(labels(vec![of("at", "0"), of("at", "1")])[1].contains("seed 1"));
    let same = labels(vec![of("at", "0"), of("at", "0"), of("at", "0")]);
    assert!(same[1].ends_with("(2)") && same[2].ends_with("(3)"), "{same:?}");
}

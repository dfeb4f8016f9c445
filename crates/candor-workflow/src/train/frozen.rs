//! Frozen layers: a front that learns nothing, so that what it makes of a picture can be computed once and kept, and the
//! back that learns from there.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use candor_core::{Progress, Reporter, Stage};
use candor_engine::{Inputs, Network, Parameters, Predictor, Shape};

use crate::error::{Result, WorkflowError};
use crate::recipe::Freeze;
use crate::run_dir::RunDir;

/// Pictures that go through the front at a time.
const SOME: usize = 64;

/// A network cut in two. The parts' parameters together are those of the whole.
pub(crate) struct Halves {
    pub front: Network,
    pub back: Network,
}

impl Halves {
    /// Cuts `network` behind the last frozen layer.
    pub fn of(network: &Network, freeze: &Freeze) -> Result<Halves> {
        let (front, back) = network.split_after(freeze.last())?;
        Ok(Halves { front, back })
    }

    /// The part of the whole network's parameters that belongs to `half`.
    pub fn part(half: &Network, whole: &Parameters) -> Result<Parameters> {
        let wanted = Parameters::zeros(half);
        let tensors = whole.tensors().iter().filter(|tensor| wanted.get(&tensor.name).is_some());
        Ok(Parameters::from_tensors(half, tensors.cloned().collect())?)
    }

    /// The whole network's parameters: the front as it was in `initial`, the back as it was learned.
    pub fn join(&self, network: &Network, initial: &Parameters, back: &Parameters) -> Result<Parameters> {
        let front = Halves::part(&self.front, initial)?;
        let tensors = front.into_tensors().into_iter().chain(back.tensors().iter().cloned());
        Ok(Parameters::from_tensors(network, tensors.collect())?)
    }
}

/// The frozen layers at work.
pub(crate) struct Front {
    predictor: Predictor,
    output: Shape,
}

impl Front {
    pub fn new(network: &Network, whole: &Parameters, threads: usize) -> Result<Front> {
        let parameters = Halves::part(network, whole)?;
        let predictor = Predictor::new(network, &parameters, SOME, threads)?;
        Ok(Front { predictor, output: network.output() })
    }

    /// Values that it makes of a picture.
    pub fn len(&self) -> usize {
        self.output.len()
    }

    /// What the back takes for `pictures` pictures: height × width × channels each, or a vector.
    pub fn features(&mut self, pixels: &[u8], pictures: usize) -> Vec<f32> {
        let mut values = vec![0.0; pictures * self.len()];
        self.predictor.predict(Inputs::Bytes(pixels), &mut values);
        match self.output {
            Shape::Features(_) => values,
            Shape::Image { height, width, channels } => channels_last(&values, height * width, channels),
        }
    }
}

/// From channel by channel to pixel by pixel.
fn channels_last(values: &[f32], pixels: usize, channels: usize) -> Vec<f32> {
    let mut turned = vec![0.0; values.len()];
    let pictures = values.chunks_exact(pixels * channels).zip(turned.chunks_exact_mut(pixels * channels));
    for (from, to) in pictures {
        for (channel, map) in from.chunks_exact(pixels).enumerate() {
            map.iter().enumerate().for_each(|(pixel, value)| to[pixel * channels + channel] = *value);
        }
    }
    turned
}

/// What the front makes of every picture and variant, in memory or in a file of the run.
pub(crate) struct Features {
    len: usize,
    store: Store,
}

enum Store {
    Memory(Vec<f32>),
    File(Mutex<File>),
}

impl Features {
    /// Computes the rows 0 to `count`; `pixels` gives the pictures of a range of rows side by side. Up to `budget` bytes
    /// stay in memory, more go to a file.
    ///
    /// # Errors
    /// When the person asked to stop, or the file cannot be written.
    pub fn compute(
        front: &mut Front,
        count: usize,
        pixels: impl Fn(std::ops::Range<usize>) -> Vec<u8>,
        place: (&RunDir, &str, u64),
        reporter: &dyn Reporter,
    ) -> Result<Features> {
        let (dir, name, budget) = place;
        let len = front.len();
        let mut writer = Writer::new(dir.file(name), count * len, budget)?;
        for start in (0..count).step_by(SOME) {
            if reporter.cancelled() {
                return Err(WorkflowError::Stopped { run: Some(dir.path().to_owned()) });
            }
            let rows = start..(start + SOME).min(count);
            let message = "the frozen layers' outputs".to_owned();
            let (done, total) = (start as u64, count as u64);
            reporter.progress(Progress { stage: Stage::Train, done, total, message });
            writer.add(&front.features(&pixels(rows.clone()), rows.len()))?;
        }
        Ok(Features { len, store: writer.store() })
    }

    /// The rows one behind the other.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub fn rows(&self, rows: impl Iterator<Item = usize>) -> std::io::Result<Vec<f32>> {
        let mut values = Vec::with_capacity(rows.size_hint().0 * self.len);
        for row in rows {
            match &self.store {
                Store::Memory(all) => values.extend_from_slice(&all[row * self.len..][..self.len]),
                Store::File(file) => values.extend(self.read(file, row)?),
            }
        }
        Ok(values)
    }

    fn read(&self, file: &Mutex<File>, row: usize) -> std::io::Result<Vec<f32>> {
        let mut bytes = vec![0; 4 * self.len];
        let mut file = file.lock().map_err(|_| std::io::Error::other("another thread has crashed"))?;
        file.seek(SeekFrom::Start((row * bytes.len()) as u64))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }
}

/// A store that is being filled, row after row.
enum Writer {
    Memory(Vec<f32>),
    File(PathBuf, File),
}

impl Writer {
    fn new(path: PathBuf, values: usize, budget: u64) -> Result<Writer> {
        if 4 * values as u64 <= budget {
            return Ok(Writer::Memory(Vec::with_capacity(values)));
        }
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(WorkflowError::file(&path, "written"))?;
        Ok(Writer::File(path, file))
    }

    fn add(&mut self, values: &[f32]) -> Result<()> {
        match self {
            Writer::Memory(all) => all.extend_from_slice(values),
            Writer::File(path, file) => {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                file.write_all(&bytes).map_err(WorkflowError::file(path, "written"))?;
            }
        }
        Ok(())
    }

    fn store(self) -> Store {
        match self {
            Writer::Memory(all) => Store::Memory(all),
            Writer::File(_, file) => Store::File(Mutex::new(file)),
        }
    }
}

#[cfg(test)]
mod tests {
    use candor_core::Silent;
    use candor_engine::architecture;

    use super::*;

    #[test]
    fn channels_go_last() {
        assert_eq!(channels_last(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3, 2), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }

    #[test]
    fn features_are_what_the_whole_network_goes_through_wherever_they_are_kept() {
        let network = architecture::find("mnist-cnn").unwrap().build(Shape::image(14, 12, 1), 3).unwrap();
        let whole = Parameters::initial(&network, 3);
        let pixels = |rows: std::ops::Range<usize>| -> Vec<u8> {
            rows.flat_map(|row| (0..14 * 12).map(move |at| (at * 31 + row * 7) as u8)).collect()
        };
        let mut expected = vec![0.0; 70 * 3];
        let mut predictor = Predictor::new(&network, &whole, 70, 1).unwrap();
        predictor.predict(Inputs::Bytes(&pixels(0..70)), &mut expected);
        for (layer, budget) in [("conv2d_1", u64::MAX), ("conv2d_2", 0), ("flatten_1", u64::MAX)] {
            let freeze = Freeze::try_from(format!("up to {layer}")).unwrap();
            let halves = Halves::of(&network, &freeze).unwrap();
            let mut front = Front::new(&halves.front, &whole, 1).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let dir = RunDir::create(folder.path()).unwrap();
            let features =
                Features::compute(&mut front, 70, pixels, (&dir, "features", budget), &Silent).unwrap();
            let order = [5, 69, 0, 5];
            let rows = features.rows(order.into_iter()).unwrap();
            let back = Halves::part(&halves.back, &whole).unwrap();
            let mut answers = vec![0.0; order.len() * 3];
            let mut predictor = Predictor::new(&halves.back, &back, 4, 1).unwrap();
            predictor.predict(Inputs::Floats(&rows), &mut answers);
            for (answer, row) in answers.chunks(3).zip(order) {
                for (actual, expected) in answer.iter().zip(&expected[3 * row..]) {
                    assert!((actual - expected).abs() < 1e-6, "{layer}: {actual} {expected}");
                }
            }
            assert_eq!(halves.join(&network, &whole, &back).unwrap(), whole);
        }
    }
}

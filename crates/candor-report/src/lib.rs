//! candor's report: one self-contained HTML page, the same as JSON, and the history as CSV; a model card; a Croissant
//! description of the pictures; the REFORMS checklist and a data sheet.
//!
//! The caller fills a [`Report`] with plain values; [`render_html`] and [`to_json`] turn it into text. The page needs
//! no network, no script and no font of its own, follows the reader's light or dark scheme, prints, and fits a phone.
//! Nothing here reads or writes a file.
#![forbid(unsafe_code)]

mod baselines;
mod cautions;
mod chart;
mod checklist;
mod colour_scale;
mod concepts;
mod content;
mod croissant;
mod evidence;
mod figure_list;
mod figures;
mod grid;
mod history_csv;
mod json;
mod model_card;
mod network;
mod page;
mod summary;
mod text;
mod theme;
mod thumbnail;

pub use baselines::{baseline_verdict, p_value, points_with_interval};
pub use cautions::cautions;
pub use chart::{FrontierPoint, RatePoint, frontier_svg, learning_rates_svg};
pub use checklist::{data_sheet, reforms};
pub use colour_scale::ColourScale;
pub use concepts::concept_patch;
pub use content::{
    Answer, Audit, AuditedFinding, Data, Epoch, Explanation, Fact, Gallery, GroupSizes, History, Layer,
    Model, NetworkDrawing, Origin, Picture, PictureSizes, Report, Reproduce, Scores, Shape, SubsetCounts,
    SubsetEvaluation, Summary, Training, part_in_training,
};
pub use croissant::{PICTURE_COLUMNS, PICTURE_TABLE, PictureColumn, croissant};
pub use evidence::{EvidenceFigure, EvidenceRow};
pub use figure_list::{FigureLine, figure_list};
pub use figures::{Scale, accuracy_with_interval, count, per_cent};
pub use grid::{GridRow, PictureGrid};
pub use history_csv::history_csv;
pub use json::to_json;
pub use model_card::model_card;
pub use network::network_svg;
pub use page::{
    ConvolutionLesson, CropSheet, HTML_LIMIT_BYTES, LessonPage, LessonRun, MOST_ON_A_SHEET,
    RandomLabelsLesson, RangeTest, RegressionLesson, ScoredGroup, ScoresLesson, SheetPicture,
    convolution_html, crop_sheet_html, framed_thumbnail, learning_rates_html, random_labels_html,
    regression_html, render_html, scores_html,
};
pub use summary::shuffled_labels_lesson;
pub use thumbnail::{png, thumbnail};

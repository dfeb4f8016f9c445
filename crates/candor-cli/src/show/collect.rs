//! What was collected, or would be.

use candor_workflow::{Collected, HostReport, Preview, count};

use super::Words;
use super::table::{Table, WIDTH, shortened, wrapped};

impl Words for Collected {
    fn words(&self) -> String {
        let study = self.study.display();
        let mut text = format!(
            "{} new in {study}, {} there already; {} asked with {}.\n",
            things(self.new, "picture"),
            count((self.there + self.known) as u64),
            things(self.hosts.len(), "host"),
            things(self.requests, "request"),
        );
        for (number, what) in [
            (self.unchanged, "unchanged since the last time."),
            (self.taken_out, "not taken in: taken out of this study before (candor forget)."),
            (self.refused, "refused or not there: asked for again only with --refresh."),
            (self.failed, "could not be had: the same command tries them again."),
            (self.waiting, "wait, because their host asks for time: give the same command later."),
        ] {
            if number > 0 {
                text += &format!("{} {what}\n", count(number as u64));
            }
        }
        if !self.classes.is_empty() {
            let mut table = Table::new(&["class", ">new pictures"]);
            self.classes.iter().for_each(|(class, new)| table.row([class, &count(*new as u64)]));
            text += &format!("\n{table}");
        }
        text += &hosts(&self.hosts);
        text + &format!("\nWhat is known of every address: the table \"fetch\" in {study}/study.db\n")
    }
}

impl Words for Preview {
    fn words(&self) -> String {
        const MOST: usize = 8;
        let mut text = String::new();
        for site in &self.sites {
            text += &format!(
                "{}\n  {} named by its first page or list, {} to begin with\n",
                shortened(&site.site, WIDTH),
                things(site.pictures.len(), "picture"),
                things(site.start_pages, "page"),
            );
            let mut table = Table::plain();
            for picture in site.pictures.iter().take(MOST) {
                let name = picture.name.as_deref().unwrap_or("(no name)");
                table.row([
                    format!("  {}", shortened(&picture.class, 14)),
                    shortened(name, 24),
                    shortened(&picture.url, 36),
                ]);
            }
            text += &table.to_string();
            if site.pictures.len() > MOST {
                text += &format!("  … and {} more\n", site.pictures.len() - MOST);
            }
            for next in &site.next {
                text += &format!("  leads on to {}\n", shortened(next, 60));
            }
            text.push('\n');
        }
        for problem in &self.problems {
            text += &(wrapped(&format!("Note: {}: {}", problem.place, problem.reason), WIDTH) + "\n");
        }
        text + hosts(&self.hosts).trim_start()
            + "\nNo picture was asked for, nothing was written: give it without --dry-run.\n"
    }
}

fn hosts(hosts: &[HostReport]) -> String {
    let mut table = Table::new(&["host", ">requests", ">seconds between", "robots.txt"]).wrapping(3, WIDTH);
    for host in hosts {
        let seconds = format!("{}", host.seconds_between_requests);
        table.row([&shortened(&host.host, 30), &host.requests.to_string(), &seconds, &host.robots]);
    }
    if hosts.is_empty() { String::new() } else { format!("\n{table}") }
}

fn things(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {what}{s}", count(number as u64))
}

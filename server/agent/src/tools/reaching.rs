//! What of the network a command may reach: nothing, unless the person's settings or the person say so.

use galley_exec::{Host, Level, Network};

use super::Context;

impl Context {
    /// The network for a command that wants to reach `hosts` (`all`: everything), beside what the settings grant; asks
    /// the person for what is not granted yet.
    ///
    /// # Errors
    /// Words for the model.
    pub async fn may_reach(&mut self, command: &str, hosts: &[String]) -> Result<Network, String> {
        if hosts.is_empty() || self.services.network == Network::All {
            return Ok(Network::None);
        }
        let all = hosts.iter().any(|host| host.trim() == "all");
        if !all && self.services.level == Level::Landlock {
            return Err("the sandbox of this machine cannot open single hosts; network=[\"all\"] asks the person for all"
                .to_owned());
        }
        let wanted = match all {
            true => Vec::new(),
            false => hosts
                .iter()
                .map(|host| host.parse())
                .collect::<Result<Vec<Host>, _>>()
                .map_err(|e| e.to_string())?,
        };
        let names: Vec<String> = if all {
            vec!["the whole network".to_owned()]
        } else {
            wanted.iter().map(Host::to_string).collect()
        };
        let unknown: Vec<String> = names.into_iter().filter(|name| !self.is_reachable(name)).collect();
        if !unknown.is_empty() && !self.is_let_reach(command, &unknown).await {
            return Err(format!(
                "the person did not allow the command to reach {}; go another way",
                unknown.join(", ")
            ));
        }
        Ok(if all { Network::All } else { Network::Hosts(wanted) })
    }

    fn is_reachable(&self, name: &str) -> bool {
        let configured = match &self.services.network {
            Network::Hosts(hosts) => hosts.iter().any(|host| host.to_string() == name),
            Network::None | Network::All => false,
        };
        configured || self.grants.get(&key(name)).copied().unwrap_or_default()
    }

    async fn is_let_reach(&mut self, command: &str, names: &[String]) -> bool {
        let listed = names.join(", ");
        let title = format!("Let a command reach {listed}?");
        let detail = format!(
            "{command}\n\nIt runs in a shadow copy of the project, sandboxed as {}. What it sends there may hold \
             anything of the project; nothing else of the network is opened to it.",
            self.services.level
        );
        let together = key(&listed);
        let allowed = self.granted(&together, &title, &detail).await;
        if self.grants.get(&together) == Some(&true) {
            self.grants.extend(names.iter().map(|name| (key(name), true)));
        }
        allowed
    }
}

fn key(name: &str) -> String {
    format!("reach {name}")
}

/// Signs in an output that a command wanted the network and had none.
const LACKING: [&str; 12] = [
    "Could not resolve host",
    "Couldn't resolve host",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "getaddrinfo ENOTFOUND",
    "EAI_AGAIN",
    "ENOTCACHED",
    "UnknownHostException",
    "module lookup disabled by GOPROXY=off",
    "you may need to run `cargo fetch`",
    "but --offline was specified",
];

/// What the model is told when a command that failed seems to have wanted the network; empty otherwise.
pub(super) fn hint(output: &str) -> &'static str {
    if LACKING.iter().any(|sign| output.contains(sign)) {
        "\nCommands have no network; if it is needed, run again with network=[\"HOST\", …], which asks the person."
    } else {
        ""
    }
}

"""One container of a pod: what stands in for its image, its environment and files, its process, its probes, its end.

images, standins                what an image stands for, as values
launching, environment, volumes, paths    volumes become folders, container paths become host paths
executions, processes, awscli, model_server    how it is run
container, backoff, probing, checks, logs      its life: started, probed, restarted, ended
states, probes                  pure: pod status from container states; a probe's counting
identity, tools                 pod credentials; what a run needs from around it
"""

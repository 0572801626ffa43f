"""One verb over many inputs, in processes of their own."""

from geo3d.batch.run import BatchResult as BatchResult
from geo3d.batch.run import run_batch as run_batch
from geo3d.batch.settings import BatchSettings as BatchSettings
from geo3d.batch.tasks import Task as Task
from geo3d.batch.tasks import find_tasks as find_tasks
from geo3d.batch.tasks import read_task_list as read_task_list
